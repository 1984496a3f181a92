import { checkBuild } from '../../client/index.ts';
import type { BuildCall, BuildCheckRequest, BuildFault } from '../../spec/estiva/build-check.ts';
import { readBuildFiles } from '../dockerfile/files.ts';
import { checkLines, faultLines, outlineLines, targetsLines } from '../dockerfile/show.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag, FlagError } from '../flags.ts';
import { say, warn, type Session } from '../session.ts';

/** What `--call` asks for: `check`, `outline,format=json`. */
interface CallChoice {
  readonly call: BuildCall;
  readonly isJson: boolean;
}

const later = 'builds come later; --check, --call=outline and --call=targets look at a Dockerfile';

export const command = defineCommand({
  usage: '[OPTIONS] PATH | -',
  summary: 'Check a Dockerfile, and show what it takes and makes',
  aliases: ['image build', 'build'],
  examples: [
    ['build --check .', 'mistakes and warnings, with the lines; exit code 1 when there are any'],
    ['build --call=outline --target app .', 'arguments, secrets and ssh agents that it takes'],
    ['build --call=targets,format=json - < Dockerfile', 'its stages'],
  ],
  flags: {
    'build-arg': flag.texts('', 'stringArray', 'Set build-time variables'),
    call: flag.value('', 'string', 'What to look at ("check", "outline", "targets"), with ",format=json" as JSON', parseCall),
    check: flag.on('', 'Shorthand for "--call=check"'),
    file: flag.text('f', 'string', 'Name of the Dockerfile (default: "PATH/Dockerfile")'),
    platform: flag.text('', 'string', 'Target platform of the build (os/arch)'),
    target: flag.text('', 'string', 'Target build stage'),
  },
  later: Object.fromEntries(['add-host', 'allow', 'annotation', 'attest', 'build-context', 'builder', 'cache-from', 'cache-to', 'cgroup-parent', 'debug|D', 'iidfile', 'label', 'load', 'metadata-file', 'network', 'no-cache', 'no-cache-filter',
    'output|o', 'progress', 'provenance', 'pull', 'push', 'quiet|q', 'rm', 'sbom', 'secret', 'shm-size', 'squash', 'ssh', 'tag|t', 'ulimit'].map((name) => [name, later])),
  operands: { min: 1, max: 1 },
  async run({ values, operands: [path = ''], session }) {
    const choice = values.call ?? (values.check ? { call: 'check', isJson: false } as const : undefined);
    if (choice === undefined) throw new Exit(1, `'${session.program} build' is not there yet in Estiva: ${later}`);
    const files = await readBuildFiles(path, values.file, session.stdin);
    const buildArgs = Object.fromEntries(values['build-arg'].flatMap((text) => argumentOf(text, session.environment)));
    return look(session, choice, { ...files, buildArgs, target: values.target ?? '', platform: values.platform ?? '' });
  },
});

type Request = Omit<BuildCheckRequest, 'call'>;

async function look(session: Session, { call, isJson }: CallChoice, request: Request): Promise<number> {
  if (call === 'check') {
    const result = await checkBuild(session.docker, call, request);
    print(session, isJson ? jsonLines(result) : checkLines(result));
    if (!isJson && result.buildError !== undefined) printFault(session, result.buildError, request);
    return result.buildError === undefined && result.warnings === null ? 0 : 1;
  }
  const result = call === 'outline' ? await checkBuild(session.docker, call, request) : await checkBuild(session.docker, call, request);
  if (result.buildError !== undefined) {
    printFault(session, result.buildError, request);
    return 1;
  }
  print(session, isJson ? jsonLines(result) : call === 'outline' ? outlineLines(result) : targetsLines(result));
  return 0;
}

function print(session: Session, lines: readonly string[]): void {
  for (const line of lines) say(session, line);
}

function printFault(session: Session, fault: BuildFault, { dockerfile: { name, text } }: Request): void {
  for (const line of faultLines(fault, name, Buffer.from(text).toString('base64'))) warn(session, line);
}

function jsonLines(result: object): readonly string[] {
  return [JSON.stringify(result, undefined, 2)];
}

/** `NAME=value`; a name alone takes its value from the environment, or is left out. */
function argumentOf(text: string, environment: Session['environment']): readonly (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at >= 0) return [[text.slice(0, at), text.slice(at + 1)]];
  const value = environment[text];
  return value === undefined ? [] : [[text, value]];
}

function parseCall(text: string): CallChoice {
  const [name = '', ...options] = text.split(',');
  const call = ({ check: 'check', lint: 'check', outline: 'outline', targets: 'targets' } as const)[name];
  const formats = options.map((option) => /^format=(json|default|)$/.exec(option)?.[1]);
  if (call === undefined) throw new FlagError(name === 'build' ? later : `unknown call ${JSON.stringify(name)}: it is one of check, outline, targets`);
  if (formats.includes(undefined)) throw new FlagError(`invalid option ${JSON.stringify(options[formats.indexOf(undefined)])}: only format=json is known here`);
  return { call, isJson: formats.at(-1) === 'json' };
}
