// What `logs --details` tells of a container with each entry of its json-file log: labels, environment variables and a tag, chosen by log options.
import { fail, messageOf, shortId } from '../../base/index.ts';
import { compileTemplate, TemplateError } from '../../spec/template/index.ts';
import type { ContainerRecord } from '../container.ts';

/** Empty when no option asks for any. @throws `invalid` for an expression or a template that is none */
export function detailsOf(record: ContainerRecord): Readonly<Record<string, string>> {
  const { labels, 'labels-regex': labelsLike, env, 'env-regex': envLike, tag = '' } = record.hostConfig.LogConfig.Config;
  const variables = Object.fromEntries(record.config.Env.filter((entry) => entry.includes('=')).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
  return {
    ...chosen(record.config.Labels, labels, labelsLike),
    ...chosen(variables, env, envLike),
    ...(tag === '' ? {} : { tag: tagOf(record, tag) }),
  };
}

function chosen(all: Readonly<Record<string, string>>, names = '', pattern = ''): Readonly<Record<string, string>> {
  const wanted = new Set(names.split(','));
  const like = pattern === '' ? undefined : expression(pattern);
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name) || like?.test(name) === true));
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw fail('invalid', `error parsing regexp: ${messageOf(error)}`, { cause: error });
  }
}

/** The fields that dockerd's templates of tags have. */
function tagOf(record: ContainerRecord, text: string): string {
  const image = record.imageId.replace(/^sha256:/, '');
  const [program = '', ...args] = [...(record.config.Entrypoint ?? []), ...(record.config.Cmd ?? [])];
  const fields = {
    ID: shortId(record.id), FullID: record.id, Name: record.name, ImageID: image.slice(0, 12), ImageFullID: record.imageId, ImageName: record.config.Image,
    DaemonName: 'docker', Command: [program, ...args].join(' '), ContainerID: record.id, ContainerName: `/${record.name}`, ContainerEntrypoint: program, ContainerArgs: args,
    ContainerImageID: record.imageId, ContainerImageName: record.config.Image, ContainerEnv: record.config.Env, ContainerLabels: new Map(Object.entries(record.config.Labels)),
    Config: new Map(Object.entries(record.hostConfig.LogConfig.Config)), LogPath: record.logPath,
  };
  let tag = '';
  try {
    compileTemplate(text, (name) => `can't evaluate field ${name} in type *logger.Info`)(fields, (piece) => { tag += piece; });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw fail('invalid', `template: log-tag:${error.message}`, { cause: error });
  }
  return tag;
}
