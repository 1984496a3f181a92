import { checkBuild, type Query } from '../../client/index.ts';
import type { BuildCall, BuildCheckRequest, BuildFault } from '../../spec/estiva/build-check.ts';
import { openBuildContext } from '../dockerfile/context.ts';
import { runBuild } from '../dockerfile/build.ts';
import { chooseOutput } from '../dockerfile/output.ts';
import { buildHeaders } from '../credentials/kept.ts';
import { parseReference } from '../../spec/reference.ts';
import { bytes, extraHost, pair, swapBytes, ulimit } from '../create/values.ts';
import { holdSession, parseSecret, parseSsh } from '../dockerfile/session.ts';
import { readBuildFiles } from '../dockerfile/files.ts';
import { checkLines, faultLines, outlineLines, targetsLines } from '../dockerfile/show.ts';
import { Exit } from '../errors.ts';
import { defineCommand } from '../command.ts';
import { flag, FlagError, type Values } from '../flags.ts';
import { say, warn, type Session } from '../session.ts';

/** What `--call` asks for: `check`, `outline,format=json`. */
interface CallChoice {
  readonly call: BuildCall;
  readonly isJson: boolean;
}

const buildKitOnly = 'only BuildKit has it; the builder here is the classic one';

const flags = {
  allow: flag.texts('', 'stringArray', 'What RUN may ask for beyond a container\'s rights ("security.insecure", "network.host")'),
  annotation: flag.texts('', 'stringArray', 'Add an annotation to the manifest of an archive'),
  'add-host': flag.list('', 'list', 'Add a line to the hosts file of steps (host:ip)', extraHost),
  'build-arg': flag.texts('', 'stringArray', 'Set build-time variables'),
  'cache-from': flag.list('', 'stringArray', 'Images whose layers are a cache, too', cacheSource),
  call: flag.value('', 'string', 'Do not build, but look ("check", "outline", "targets"), with ",format=json" as JSON', parseCall),
  check: flag.on('', 'Shorthand for "--call=check"'),
  'cpu-period': flag.integer('', 'int', 'Period of the CPU quota of steps, in microseconds'),
  'cpu-quota': flag.integer('', 'int', 'CPU time of steps in a period, in microseconds'),
  'cpu-shares': flag.integer('c', 'int', 'Weight of steps among those who want the CPUs'),
  'cpuset-cpus': flag.text('', 'string', 'CPUs that steps may use (0-3, 0,1)'),
  'cpuset-mems': flag.text('', 'string', 'Memory nodes that steps may use (0-3, 0,1)'),
  file: flag.text('f', 'string', 'Name of the Dockerfile (default: "PATH/Dockerfile")'),
  'force-rm': flag.on('', 'Nothing is left of steps here, whatever becomes of them'),
  iidfile: flag.text('', 'string', 'Write the image ID to a file'),
  label: flag.texts('', 'stringArray', 'Set metadata for an image'),
  load: flag.on('', 'Shorthand for "--output=type=docker": an image, as without it'),
  memory: flag.value('m', 'bytes', 'Limit of memory of a step', bytes),
  'memory-swap': flag.value('', 'bytes', 'Limit of memory and swap together; -1: no limit of swap', swapBytes),
  'metadata-file': flag.text('', 'string', 'Write what came out to a file, as JSON'),
  network: flag.text('', 'string', 'Network of RUN steps ("default", "none", "host", or a name)'),
  'no-cache': flag.on('', 'Do every step anew'),
  'no-cache-filter': flag.texts('', 'stringArray', 'Do the steps of these stages anew, and of those that stand on them'),
  output: flag.texts('o', 'stringArray', 'Where it goes: a directory, "-", or "type=local|tar|oci|docker|image,dest=…"'),
  platform: flag.text('', 'string', 'Target platform of the build (os/arch)'),
  progress: flag.value('', 'string', 'How it is shown ("auto", "plain", "quiet")', parseProgress),
  pull: flag.on('', 'Ask the registry also for images that are here'),
  push: flag.on('', 'Shorthand for "--output=type=image,push=true"'),
  quiet: flag.on('q', 'Only print the image ID'),
  rm: flag.off('', 'Nothing is left of steps here, whatever it says'),
  secret: flag.list('', 'list', 'Secret for steps that mount it (id=NAME[,src=FILE|,env=VARIABLE])', parseSecret),
  'shell-on-error': flag.on('', 'When a RUN fails, open a shell in it as it was, without asking'),
  'shm-size': flag.value('', 'bytes', 'Size of /dev/shm in steps', bytes),
  ssh: flag.list('', 'list', 'ssh agent for steps that mount it (default, or ID=SOCKET, or ID=KEY[,KEY])', parseSsh),
  squash: flag.on('', 'Make one layer of all that the build has made'),
  tag: flag.texts('t', 'stringArray', 'Name and optionally a tag (name:tag)'),
  target: flag.text('', 'string', 'Target build stage'),
  ulimit: flag.list('', 'ulimit', 'Resource limit of steps (name=soft[:hard])', ulimit),
};

export const command = defineCommand({
  usage: '[OPTIONS] PATH | - | ARCHIVE | URL',
  summary: 'Build an image from a Dockerfile',
  aliases: ['image build', 'build'],
  examples: [
    ['build -t app:1 .', 'from ./Dockerfile, with the files of the directory'],
    ['build --target test --build-arg VERSION=2 -f docker/Dockerfile .', 'up to a stage, with an argument'],
    ['build --secret id=npm,src=$HOME/.npmrc .', 'RUN --mount=type=secret,id=npm sees the file; no layer has it'],
    ['build -o out .', 'the files of the last stage, into a directory; "-o type=oci,dest=app.tar" for an archive'],
    ['build https://github.com/OWNER/REPOSITORY.git#v1:docker', 'a directory of a repository, fetched by the daemon; an archive or a Dockerfile on the web, too'],
    ['build --check .', 'mistakes and warnings, with the lines; exit code 1 when there are any'],
    ['build --call=outline --target app .', 'arguments, secrets and ssh agents that it takes'],
    ['build --call=targets,format=json - < Dockerfile', 'its stages'],
  ],
  flags,
  later: {
    'cgroup-parent': 'steps run below the cgroup of this engine',
    'cache-to': buildKitOnly,
    ...Object.fromEntries(['attest', 'build-context', 'builder', 'debug|D', 'provenance', 'sbom'].map((name) => [name, buildKitOnly])),
  },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [path = ''], session }) {
    const choice = values.call ?? (values.check ? { call: 'check', isJson: false } as const : undefined);
    const buildArgs = Object.fromEntries(values['build-arg'].flatMap((text) => argumentOf(text, session.environment)));
    const [target, platform] = [values.target ?? '', values.platform ?? session.environment['DOCKER_DEFAULT_PLATFORM'] ?? ''];
    if (choice !== undefined) return look(session, choice, { ...await readBuildFiles(path, values.file, session.stdin), buildArgs, target, platform });
    const output = chooseOutput(values);
    const context = await openBuildContext(path, values.file, session.stdin);
    const isQuiet = values.quiet || values.progress === 'quiet';
    const always = values['shell-on-error'];
    if (always && [path, values.file].includes('-')) throw new Exit(1, 'ERROR: --shell-on-error needs stdin for the shell: give the context and the Dockerfile by their paths');
    const hasTerminal = session.stdin.isTTY === true && session.stdout.isTTY === true && !isQuiet && path !== '-' && values.file !== '-';
    const shell = always || hasTerminal ? { always, shown: context.shown } : undefined;
    using held = await holdSession(session, { secrets: values.secret, agents: values.ssh, shell });
    const { name: names = '', ...Attrs } = output?.attributes ?? {};
    const tags = [...values.tag, ...names.split(',').filter((name) => name !== '')];
    const query = {
      ...stepsQuery(values), buildargs: JSON.stringify(buildArgs), target, platform, remote: context.remote, outputs: output === undefined ? undefined : JSON.stringify([{ Type: output.type, Attrs }]),
      'estiva-session': held?.id, 'estiva-shell': held !== undefined && shell !== undefined,
    };
    const headers = output?.attributes['push'] === 'true' ? await buildHeaders(session, tags.map((tag) => parseReference(tag).domain)) : {};
    return await runBuild(session, context, { tags, headers, output, metadataFile: values['metadata-file'], extraHosts: values['add-host'], query, quiet: isQuiet, idFile: values.iidfile });
  },
});

/** What concerns the steps, as parameters of `POST /build`. */
function stepsQuery(values: Values<typeof flags>): Query {
  return {
    'estiva-allow': joined(values.allow), 'estiva-no-cache-filter': joined(values['no-cache-filter']), labels: JSON.stringify(Object.fromEntries(values.label.map(pair))), nocache: values['no-cache'], squash: values.squash, pull: values.pull,
    cachefrom: jsonOf(values['cache-from']), networkmode: values.network, memory: values.memory, memswap: values['memory-swap'], shmsize: values['shm-size'], cpushares: values['cpu-shares'], cpuperiod: values['cpu-period'],
    cpuquota: values['cpu-quota'], cpusetcpus: values['cpuset-cpus'], cpusetmems: values['cpuset-mems'], ulimits: jsonOf(values.ulimit),
  };
}

function jsonOf(list: readonly unknown[]): string | undefined {
  return list.length === 0 ? undefined : JSON.stringify(list);
}

function joined(words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : words.join(',');
}

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

/** A name, or buildx's `type=registry,ref=NAME`. */
function cacheSource(text: string): string {
  if (!text.includes('=')) return text;
  const ref = /^type=registry,ref=([^,]+)$/.exec(text)?.[1];
  if (ref === undefined) throw new FlagError(`${JSON.stringify(text)} is not supported: give the name of an image, or type=registry,ref=NAME`);
  return ref;
}

function parseProgress(text: string): 'plain' | 'quiet' {
  if (text === 'quiet') return 'quiet';
  if (text === 'auto' || text === 'plain') return 'plain';
  throw new FlagError(`${JSON.stringify(text)} is not supported yet: it is one of auto, plain, quiet`);
}

function parseCall(text: string): CallChoice {
  const [name = '', ...options] = text.split(',');
  const call = ({ check: 'check', lint: 'check', outline: 'outline', targets: 'targets' } as const)[name];
  const formats = options.map((option) => /^format=(json|default|)$/.exec(option)?.[1]);
  if (call === undefined) throw new FlagError(name === 'build' ? 'leave --call away to build' : `unknown call ${JSON.stringify(name)}: it is one of check, outline, targets`);
  if (formats.includes(undefined)) throw new FlagError(`invalid option ${JSON.stringify(options[formats.indexOf(undefined)])}: only format=json is known here`);
  return { call, isJson: formats.at(-1) === 'json' };
}
