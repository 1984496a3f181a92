// `POST /build`: the classic builder's endpoint, its parameters and its stream of messages. What BuildKit alone does is refused by name.
import type { ServerResponse } from 'node:http';
import { decode, fail, shortId } from '../base/index.ts';
import { BuildFailure, type BuildHappening, type BuildWishes, type SentOutput } from '../engine/index.ts';
import type { ProgressMessage } from '../spec/docker/image.ts';
import { sessionIdPattern } from '../spec/estiva/build-session.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { familiarReference, parseReference, withDefaultTag } from '../spec/reference.ts';
import { sentenceOf } from './answer.ts';
import { passingBodyOf } from './body.ts';
import { decodeOutput } from './build-output.ts';
import { parameterOf, type Call } from './call.ts';
import { takeSocket } from './hijack.ts';
import { ProgressAnswer } from './progress.ts';
import { tellPush } from './push.ts';
import type { Query } from './query.ts';
import { allCredentialsOf } from './registry-auth.ts';

export async function build({ engine, log, query, request, response, signal }: Call): Promise<void> {
  refuseLater(query);
  if (query.flag('estiva-shell') && query.text('estiva-session') === '') throw fail('invalid', 'estiva-shell needs a build session to show the shell in', { hint: 'Name it with estiva-session' });
  const output = decodeOutput(query.text('outputs'));
  const answer = new ProgressAnswer(response, output.to === 'client');
  const teller = new Teller(answer, response, query.flag('q'));
  const delivered = query.optionalText('estivacontext');
  const tags = [...query.all('t').filter((tag) => tag !== ''), ...output.names];
  const isPushed = output.to === 'images' && output.isPushed;
  if (isPushed && tags.length === 0) throw fail('invalid', 'outputs: an image without a name cannot be pushed', { hint: 'Name it: -t NAME, or name=NAME' });
  const credentials = allCredentialsOf(request.headers);
  const sent: SentOutput | undefined = output.to === 'client' ? { kind: output.kind, annotations: output.annotations, send: (bytes) => answer.sendBytes(bytes) } : undefined;
  const wishes: BuildWishes = { ...wishesOf(query), tags, session: query.optionalText('estiva-session'), credentials, output: sent, context: delivered === undefined ? passingBodyOf(request) : { delivered }, signal, onHappening: (happening) => teller.tell(happening) };
  await answer.run(async () => {
    try {
      const { id, manifest } = await engine.builds.build(wishes);
      for (const tag of isPushed ? tags : []) await engine.images.push(familiarName(tag), { credentials: credentials.get(parseReference(tag).domain), signal, onHappening: (happening) => tellPush(answer, happening) });
      if (manifest !== undefined) answer.send({ aux: { 'estiva.manifest': manifest } });
      teller.end(id, sent === undefined ? tags : []);
    } catch (error) {
      if (!(error instanceof BuildFailure) || !response.headersSent) throw error;
      answer.send(failureOf(error));
    }
  }, { log, signal });
}

/** `POST /estiva/build-sessions/ID`: what builds ask of their client goes over the connection, until either side ends it. */
export async function holdSession(call: Call): Promise<void> {
  const id = parameterOf(call, 'id');
  if (!sessionIdPattern.test(id)) throw fail('invalid', 'The id of a build session is 32 to 64 hexadecimal digits');
  const socket = takeSocket(call.request, call.response, 'application/vnd.estiva.build-session');
  const end = (): void => void socket.destroy();
  call.closing.addEventListener('abort', end);
  try {
    await call.engine.builds.holdSession(id, socket);
  } catch (error) {
    // Nobody is there any more to be told.
    call.log.info({ err: error }, 'a build session has ended');
  } finally {
    call.closing.removeEventListener('abort', end);
  }
}

function familiarName(tag: string): string {
  return familiarReference(withDefaultTag(parseReference(tag)));
}

/** Docker's fields; and ours, the lines of the Dockerfile. */
function failureOf(error: BuildFailure): ProgressMessage {
  const message = sentenceOf(error);
  const { exitCode, lines, output } = error;
  return { errorDetail: { message, ...exitCode === undefined ? {} : { code: exitCode }, lines: lines.map(({ start, end }) => [start, end]), ...output === '' ? {} : { output } }, error: message };
}

const texts = decode.dictionary(decode.nullable(decode.text));
const labels = decode.dictionary(decode.text);
const ulimits = decode.list(decode.object<{ Name: string; Soft: number; Hard: number }>({ Name: decode.text, Soft: decode.integer, Hard: decode.integer }));

function json<T>(query: Query, name: string, decoder: decode.Decode<T>, none: T): T {
  const text = query.text(name);
  return text === '' || text === 'null' ? none : decode.decodeJson(text, decoder);
}

/** Given several times, or with commas. */
function list(query: Query, name: string): readonly string[] {
  return query.all(name).flatMap((text) => text.split(',')).filter((text) => text !== '');
}

function parseRight(text: string): string {
  if (text === 'network.host' || text === 'security.insecure') return text;
  throw fail('unsupported', `A build cannot be allowed ${JSON.stringify(text.slice(0, 100))}`, { hint: 'Known here: network.host, security.insecure' });
}

function wishesOf(query: Query): Omit<BuildWishes, 'context' | 'credentials' | 'tags' | 'signal' | 'onHappening'> {
  const platform = query.text('platform');
  const integer = (name: string): number => query.integer(name) ?? 0;
  return {
    dockerfile: query.text('dockerfile') || 'Dockerfile',
    // Without a value, an argument has its default.
    buildArgs: new Map(Object.entries(json(query, 'buildargs', texts, {})).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))),
    labels: json(query, 'labels', labels, {}),
    target: query.optionalText('target'),
    platform: platform === '' ? undefined : parsePlatform(platform),
    noCache: query.flag('nocache'),
    offersShell: query.flag('estiva-shell'),
    noCacheStages: list(query, 'estiva-no-cache-filter'),
    allowed: new Set(list(query, 'estiva-allow').map(parseRight)),
    pull: query.flag('pull'),
    network: query.text('networkmode'),
    squashes: query.flag('squash'),
    remote: remoteOf(query.text('remote')),
    cacheFrom: json(query, 'cachefrom', decode.list(decode.text), []),
    extraHosts: list(query, 'extrahosts'),
    removesContainers: query.flagUnless('rm'),
    limits: {
      ShmSize: integer('shmsize') || 64 << 20, Ulimits: json(query, 'ulimits', ulimits, []), Memory: integer('memory'), MemorySwap: integer('memswap'), CpuShares: integer('cpushares'), CpuPeriod: integer('cpuperiod'),
      CpuQuota: integer('cpuquota'), CpusetCpus: query.text('cpusetcpus'), CpusetMems: query.text('cpusetmems'),
    },
  };
}

function remoteOf(text: string): string | undefined {
  if (text === 'client-session') throw fail('unsupported', 'remote=client-session is BuildKit\'s, whose protocol comes later', { hint: 'Send the files as a tar' });
  return text || undefined;
}

const notHere: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  cgroupparent: ['cgroupparent comes later', 'Steps run below the cgroup of this engine'],
  session: ['session is BuildKit\'s, whose protocol comes later', 'A session of ours is estiva-session (docs/decisions/0021)'],
  buildid: ['buildid is BuildKit\'s: a build ends when its client leaves', 'Close the connection'],
  isolation: ['isolation is for Windows', 'Leave it away'],
  credentialspecs: ['credentialspecs are for Windows', 'Leave them away'],
  securityopt: ['securityopt is not supported', 'Steps run with the defaults of an ordinary container'],
};

/** @throws `unsupported` naming what is asked for */
function refuseLater(query: Query): void {
  if (query.text('version') === '2') throw fail('unsupported', 'This is the classic builder: BuildKit (version=2) comes later', { hint: 'Set DOCKER_BUILDKIT=0' });
  for (const [name, [what, hint]] of Object.entries(notHere)) {
    const value = query.text(name);
    if (!['', '0', 'false', '[]', 'null', 'default'].includes(value)) throw fail('unsupported', what, { hint });
  }
}

/** A client for which more is waiting misses output; steps do not wait for it. */
const waitingBytesMax = 8 << 20;
const [red, plain] = ['\u001b[91m', '\u001b[0m'];

/** Says what happens in dockerd's words. */
class Teller {
  readonly #answer: ProgressAnswer;
  readonly #response: ServerResponse;
  readonly #isQuiet: boolean;
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  #missedBytes = 0;

  constructor(answer: ProgressAnswer, response: ServerResponse, isQuiet: boolean) {
    this.#answer = answer;
    this.#response = response;
    this.#isQuiet = isQuiet;
  }

  tell(happening: BuildHappening): void {
    if (this.#isQuiet || this.#response.destroyed) return;
    switch (happening.what) {
      case 'step':
        this.#say(`Step ${happening.number}/${happening.total} : ${happening.text}`);
        return this.#say('\n');
      case 'cached': return this.#say(' ---> Using cache\n');
      case 'running': return this.#say(` ---> Running in ${shortId(happening.containerId)}\n`);
      case 'removed': return this.#say(` ---> Removed intermediate container ${shortId(happening.containerId)}\n`);
      case 'result': return this.#say(` ---> ${happening.id === undefined ? '' : shortId(happening.id)}\n`);
      case 'warning': return this.#say(`${happening.text}\n`);
      case 'output': return this.#output(happening.stream, happening.bytes);
    }
  }

  end(id: string, tags: readonly string[]): void {
    if (this.#isQuiet) return this.#say(`${id}\n`);
    this.#answer.send({ aux: { ID: id } });
    this.#say(`Successfully built ${shortId(id)}\n`);
    for (const tag of tags) this.#say(`Successfully tagged ${familiarName(tag)}\n`);
    return undefined;
  }

  #output(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    if (this.#response.writableLength > waitingBytesMax) {
      this.#missedBytes += bytes.length;
      return;
    }
    if (this.#missedBytes > 0) this.#say(`\n[${this.#missedBytes} bytes of output are missing here: they were not read in time]\n`);
    this.#missedBytes = 0;
    const text = this.#decoders[stream].decode(bytes, { stream: true });
    if (text !== '') this.#say(stream === 'stderr' ? `${red}${text}${plain}` : text);
  }

  #say(stream: string): void {
    this.#answer.send({ stream });
  }
}
