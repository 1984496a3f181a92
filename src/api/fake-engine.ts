// An engine in memory, for the api's tests: containers whose programs are a few lines of JavaScript. It keeps the contract of the Engine
// interface as far as the api can see it.
import { fail, newContainerId, digestOf } from '../base/index.ts';
import type { Attachment, ContainerRecord, Engine, ExecRecord, Image, ImportOptions, LogEntry, LogOptions, OutputChunk, PathStat, State, StreamName, WaitResult } from '../engine/index.ts';
import type { CreateContainerRequest } from '../spec/docker/container.ts';

/** What a program is here: it reads lines of input and writes output until it returns its exit code. */
export type FakeProgram = (io: { readonly input: AsyncIterable<Uint8Array>; readonly write: (stream: StreamName, bytes: Uint8Array | string) => void }) => Promise<number>;

class Channel<T extends object> implements AsyncIterable<T> {
  #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const items = this.#items;
      this.#items = [];
      yield* items;
      if (this.#items.length > 0) continue;
      if (this.#ended) return;
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }
}

interface Live {
  record: ContainerRecord;
  readonly input: Channel<Uint8Array>;
  readonly outputs: Set<Channel<OutputChunk>>;
  readonly log: LogEntry[];
  readonly waiters: Set<(result: WaitResult) => void>;
  inputEnded: boolean;
}

export class FakeEngine implements Engine {
  readonly programs = new Map<string, FakeProgram>();
  readonly requests: CreateContainerRequest[] = [];
  readonly calls: string[] = [];
  readonly events: Engine['events'] = { kept: () => [], listen: () => ({ [Symbol.dispose]: () => undefined }), listeners: 0 };
  readonly image: Image = fakeImage();
  imported: { readonly bytes: number; readonly options: ImportOptions } | undefined;
  detached = 0;
  /** What an exec's launch waits for. */
  launching: Promise<void> = Promise.resolve();
  abortedWaits = 0;
  readonly #live = new Map<string, Live>();
  readonly #execs = new Map<string, { record: ExecRecord; readonly live: Live }>();

  info(): ReturnType<Engine['info']> {
    return {
      id: '00000000-0000-4000-8000-000000000000', rootDir: '/fake', runDir: '/fake/run', containers: { total: this.#live.size, running: 0, paused: 0, stopped: 0 }, images: 1,
      kernelVersion: '6.18.0', operatingSystem: 'Test OS', osVersion: '1', machine: 'x86_64', cpus: 2, memoryBytes: 1 << 30, backingFileSystem: 'extfs', forwardsIpv4: true, openFiles: 20, eventListeners: 0, registries: { mirrors: new Map(), insecure: new Set(), defaultRegistry: undefined, proxy: { http: undefined, https: undefined, none: '' } }, hostname: 'test', cgroupVersion: 2,
      cgroupControllers: new Set(['memory', 'swap', 'pids', 'cpu']), seccomp: true, ...this.containers.runtimes(),
    };
  }

  readonly builds: Engine['builds'] = { build: async () => { throw new Error('The fake builds nothing'); }, contexts: { offer: () => Promise.resolve({ id: 'context', wanted: [], doubtful: [] }), receive: () => Promise.resolve() }, holdSession: () => Promise.resolve(), cached: () => Promise.resolve([]), pruneCache: () => Promise.resolve({ keys: [], reclaimedBytes: 0 }), look: ({ call, dockerfile }) => { this.calls.push(`look ${call} ${dockerfile.name}`); return { warnings: null, sources: [] }; } };

  /** None but those that are always there. */
  readonly networks: Engine['networks'] = fakeNetworks();
  readonly volumes: Engine['volumes'] = fakeVolumes();

  readonly containers: Engine['containers'] = {
    runtimes: () => ({ runtimes: [{ name: 'estiva', path: 'estiva' }], defaultRuntime: 'estiva' }),
    create: async (request, { name }) => {
      this.images.get(request.config.Image);
      this.requests.push(request);
      const id = newContainerId();
      const record: ContainerRecord = {
        id, name: name ?? `fake_${this.#live.size}`, createdAt: new Date(), imageId: this.image.id, platform: { architecture: 'amd64', os: 'linux' }, layers: this.image.layers,
        config: request.config, hostConfig: request.hostConfig, connections: [], links: [], mounts: [], state: { status: 'created' }, restartCount: 0, logPath: '', filesDir: '',
      };
      this.#live.set(id, { record, input: new Channel(), outputs: new Set(), log: [], waiters: new Set(), inputEnded: false });
      return { id, warnings: [] };
    },
    get: (idOrName) => this.#find(idOrName).record,
    list: () => [...this.#live.values()].map(({ record }) => record).toReversed(),
    size: async (idOrName) => { this.#find(idOrName); return { writtenBytes: 10, rootBytes: 1244 }; },
    top: async () => ({ titles: ['PID'], processes: [['42']] }),
    stats: () => undefined,
    watchStats: () => ({ [Symbol.dispose]: () => undefined }),
    start: async (idOrName) => {
      const live = this.#find(idOrName);
      if (live.record.state.status === 'running') throw fail('not_modified', 'already started');
      this.#run(live);
    },
    stop: async (idOrName, options) => { this.calls.push(`stop ${JSON.stringify(options)}`); this.#exit(this.#find(idOrName), 143); },
    kill: async (idOrName, signal) => {
      const live = this.#find(idOrName);
      if (live.record.state.status !== 'running') throw fail('conflict', `cannot kill container: ${idOrName}: container ${live.record.id} is not running`);
      this.calls.push(`kill ${signal}`);
      this.#exit(live, 137);
    },
    pause: async (idOrName) => { this.calls.push(`pause ${idOrName}`); },
    unpause: async (idOrName) => { this.calls.push(`unpause ${idOrName}`); },
    restart: async (idOrName, options) => { this.calls.push(`restart ${idOrName} ${JSON.stringify(options)}`); },
    update: async (idOrName, request) => { this.calls.push(`update ${idOrName} ${JSON.stringify(request)}`); return []; },
    prune: async (isChosen) => ({ ids: [...this.#live.values()].filter(({ record }) => isChosen(record)).map(({ record }) => record.id), reclaimedBytes: 0 }),
    rename: async (idOrName, name) => { this.calls.push(`rename ${idOrName} ${name}`); },
    connectNetwork: async (idOrName, network, settings) => { this.calls.push(`connect ${idOrName} ${network} ${JSON.stringify(settings)}`); },
    disconnectNetwork: async (idOrName, network, { force }) => { this.calls.push(`disconnect ${idOrName} ${network} ${force}`); },
    unlink: async (path) => { this.calls.push(`unlink ${path}`); },
    remove: async (idOrName, options) => { this.calls.push(`remove ${JSON.stringify(options)}`); this.#live.delete(this.#find(idOrName).record.id); },
    wait: (idOrName, condition, signal) => this.#wait(this.#find(idOrName), condition, signal),
    resize: async (_idOrName, { rows, columns }) => { this.calls.push(`resize ${rows}x${columns}`); },
    attach: async (idOrName, options) => this.#attach(this.#find(idOrName), options.logs),
    logs: (idOrName, options) => this.#logs(this.#find(idOrName), options),
    createExec: async (idOrName, config) => {
      const live = this.#find(idOrName);
      const id = newContainerId();
      this.#execs.set(id, { live, record: { id, containerId: live.record.id, config, state: { status: 'created' } } });
      return id;
    },
    getExec: (id) => this.#exec(id).record,
    startExec: async (id, { detach, onAllowed }) => {
      const exec = this.#exec(id);
      onAllowed?.();
      await this.launching;
      if (exec.record.config.Cmd[0] === '/nope') {
        exec.record = { ...exec.record, state: { status: 'exited', exitCode: 127, pid: 0 } };
        throw fail('invalid', 'exec: "/nope": no such file or directory');
      }
      const live: Live = { ...exec.live, input: new Channel(), outputs: new Set(), log: [], waiters: new Set(), inputEnded: false, record: { ...exec.live.record, config: { ...exec.live.record.config, Tty: exec.record.config.Tty, Cmd: exec.record.config.Cmd } } };
      const attachment = detach ? undefined : this.#attach(live, false);
      live.waiters.add(({ exitCode }) => { exec.record = { ...exec.record, state: { status: 'exited', exitCode, pid: 7 } }; });
      exec.record = { ...exec.record, state: { status: 'running', pid: 7 } };
      this.#run(live);
      return attachment;
    },
    resizeExec: async (_id, { rows, columns }) => { this.calls.push(`resizeExec ${rows}x${columns}`); },
    waitExec: async () => 0,
    killExec: async () => undefined,
    runStep: async () => { throw new Error('The fake runs no steps'); },
    explain: async () => [],
    statPath: async (idOrName, path) => { this.#find(idOrName); return fakeStat(path, idOrName); },
    readArchive: async (idOrName, path) => { this.#find(idOrName); return { stat: fakeStat(path, idOrName), ...this.#tar('files') }; },
    writeArchive: async (idOrName, path, tar, { keepsKinds, asUser }) => {
      let bytes = 0;
      for await (const chunk of tar) bytes += chunk.length;
      this.calls.push(`extract ${idOrName} ${path} ${JSON.stringify({ bytes, keepsKinds, asUser })}`);
    },
    changes: async () => [{ path: '/etc', kind: 'modified' }, { path: '/etc/new', kind: 'added' }, { path: '/gone', kind: 'deleted' }],
    exportRoot: async () => this.#tar('root'),
    commit: async (idOrName, options) => { this.calls.push(`commit ${idOrName} ${JSON.stringify({ ...options, signal: undefined })}`); return this.image.id; },
  };

  readonly registries: Engine['registries'] = {
    repository: () => { throw new Error('The fake engine has no registry'); },
    login: async (server, { username, password }) => {
      if (password !== 'secret') throw fail('unauthorized', `login attempt to https://${server}/v2/ failed with status: 401 Unauthorized`);
      return { identityToken: username === 'token' ? 'long' : undefined };
    },
    search: async (term, { limit, credentials }) => { this.calls.push(`search ${term} ${limit} ${credentials?.username ?? ''}`); return [{ name: 'tool', description: 'A tool', starCount: 3, isOfficial: true }]; },
    [Symbol.asyncDispose]: async () => undefined,
  };

  readonly images: Engine['images'] = {
    get: (name) => {
      if ([...this.image.repoTags, 'tool', 'reg.example:5000/a/b/tool', this.image.id].includes(name)) return this.image;
      throw fail('not_found', `No such image: ${name.includes(':') ? name : `${name}:latest`}`);
    },
    manifests: () => ({ target: undefined, manifests: [] }),
    tree: () => ({ id: this.image.id, tags: this.image.repoTags, platforms: [] }),
    attestations: async (name, { predicateTypes, withStatements }) => {
      this.calls.push(`attestations ${name} ${predicateTypes.join()}`);
      return [{ descriptor: { mediaType: 'application/vnd.in-toto+json', digest: this.image.id, size: 2 }, predicateType: 'https://slsa.dev/provenance/v1', statement: withStatements ? { of: 'it' } : undefined }];
    },
    prune: async (isChosen, { all }) => {
      this.calls.push(`prune images ${JSON.stringify({ chosen: isChosen(this.image), all })}`);
      return { untagged: ['tool:latest'], deleted: [this.image.id], reclaimedBytes: 7 };
    },
    usage: () => ({ layerBytes: 7, sharedBytes: new Map(), keptBytes: 3 }),
    list: () => [this.image],
    pull: async (reference, { platform, onHappening } = {}) => {
      this.calls.push(`pull ${reference} ${JSON.stringify(platform ?? null)}`);
      if (reference.includes('unknown')) throw fail('not_found', `manifest for ${reference} not found: manifest unknown: manifest unknown`);
      onHappening?.({ what: 'begin', repository: 'library/tool', tag: 'latest' });
      if (reference.includes('broken')) throw fail('invalid', 'Content does not match its digest');
      onHappening?.({ what: 'layer', id: 'abc', state: { stage: 'fetching', bytes: 1_500_000, ofBytes: 3_000_000 } });
      onHappening?.({ what: 'layer', id: 'abc', state: { stage: 'unpacked' } });
      onHappening?.({ what: 'end', digest: this.image.id, reference: 'tool:latest', isNew: true });
    },
    push: async (reference, { platform, compression, onHappening } = {}) => {
      this.calls.push(`push ${reference} ${JSON.stringify(platform ?? null)} ${compression}`);
      onHappening?.({ what: 'begin', repository: 'docker.io/library/tool' });
      if (reference.includes('unknown')) throw fail('not_found', 'An image does not exist locally with the tag: unknown');
      onHappening?.({ what: 'layer', id: 'abc', state: { stage: 'mounted', from: 'other' } });
      onHappening?.({ what: 'end', tag: 'latest', digest: this.image.id, sizeBytes: 527 });
    },
    tag: async (name, target) => { this.calls.push(`tag ${name} ${target}`); },
    remove: async (name, options) => { this.calls.push(`rmi ${name} ${JSON.stringify(options)}`); return { untagged: ['tool:latest'], deleted: [this.image.id] }; },
    load: async (archive) => {
      for await (const chunk of archive) if (chunk[0] !== 0x41) throw fail('invalid', 'Cannot load the archive: it is no tar');
      return [{ id: this.image.id, repoTags: ['tool:latest'] }, { id: this.image.id, repoTags: [] }];
    },
    import: async (archive, options) => {
      let bytes = 0;
      for await (const chunk of archive) bytes += chunk.length;
      this.imported = { bytes, options };
      return this.image.id;
    },
    prepareCommit: () => async () => this.image.id,
    explore: async () => ({ id: this.image.id, tags: [], sizeBytes: 7, wastedBytes: 0, efficiency: 1, layers: [], wasted: [], duplicates: [] }),
    differences: async (before, after) => { this.calls.push(`differences ${before} ${after}`); return []; },
    history: () => [{ imageId: this.image.id, repoTags: this.image.repoTags, createdAt: this.image.createdAt, createdBy: 'echo', comment: '', sizeBytes: 7 },
      { imageId: undefined, repoTags: [], createdAt: undefined, createdBy: '', comment: 'first', sizeBytes: 0 }],
    save: async (names) => this.#tar(names.join(' ')).bytes,
  };

  #tar(content: string): { readonly bytes: AsyncIterable<Uint8Array> } & AsyncDisposable {
    const packed = async function* packed(): AsyncGenerator<Uint8Array> { yield Buffer.from(content); };
    return { bytes: packed(), [Symbol.asyncDispose]: async () => { this.calls.push(`packed ${content}`); } };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #find(idOrName: string): Live {
    const wanted = idOrName.replace(/^\//, '');
    const live = this.#live.get(wanted) ?? [...this.#live.values()].find(({ record }) => record.name === wanted);
    if (live === undefined) throw fail('not_found', `No such container: ${idOrName}`);
    return live;
  }

  #exec(id: string) {
    const exec = this.#execs.get(id);
    if (exec === undefined) throw fail('not_found', `No such exec instance: ${id}`);
    return exec;
  }

  #run(live: Live): void {
    const startedAt = new Date();
    live.record = { ...live.record, state: { status: 'running', pid: 42, startedAt } };
    const program = this.programs.get(live.record.config.Cmd?.[0] ?? '') ?? (async () => 0);
    const write = (stream: StreamName, text: Uint8Array | string) => {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      live.log.push({ stream, time: '2026-01-02T03:04:05.6Z', bytes });
      for (const output of live.outputs) output.push({ stream, bytes });
    };
    void program({ input: live.input, write }).then((code) => this.#exit(live, code));
  }

  #exit(live: Live, exitCode: number): void {
    if (live.record.state.status !== 'running') return;
    const state: State = { status: 'exited', exitCode, startedAt: live.record.state.startedAt, finishedAt: new Date(), oomKilled: false, error: '' };
    live.record = { ...live.record, state };
    for (const output of live.outputs) output.end();
    for (const waiter of live.waiters) waiter({ exitCode });
  }

  async #wait(live: Live, condition: string, signal: AbortSignal): Promise<WaitResult> {
    const { state } = live.record;
    if (condition === 'not-running' && state.status === 'exited') return { exitCode: state.exitCode };
    return new Promise((resolve, reject) => {
      live.waiters.add(resolve);
      signal.addEventListener('abort', () => { this.abortedWaits += 1; reject(new Error('aborted')); }, { once: true });
    });
  }

  #attach(live: Live, logs: boolean): Attachment {
    const output = new Channel<OutputChunk>();
    if (logs) for (const { stream, bytes } of live.log) output.push({ stream, bytes });
    if (live.record.state.status === 'exited') output.end();
    live.outputs.add(output);
    return {
      tty: live.record.config.Tty,
      output,
      write: async (bytes) => {
        if (live.inputEnded || live.record.state.status === 'exited') throw fail('conflict', 'stdin is closed');
        live.input.push(Uint8Array.from(bytes));
      },
      closeInput: async () => { live.inputEnded = true; live.input.end(); },
      [Symbol.asyncDispose]: async () => { if (live.outputs.delete(output)) this.detached += 1; output.end(); },
    };
  }

  async *#logs(live: Live, { follow, stdout, stderr, signal }: LogOptions): AsyncGenerator<LogEntry> {
    for (const entry of live.log) if (entry.stream === 'stdout' ? stdout : stderr) yield entry;
    if (!follow) return;
    const output = new Channel<OutputChunk>();
    live.outputs.add(output);
    signal.addEventListener('abort', () => { live.outputs.delete(output); this.detached += 1; output.end(); }, { once: true });
    for await (const chunk of output) yield { ...chunk, time: '2026-01-02T03:04:05Z' };
  }
}

function fakeStat(path: string, container: string): PathStat {
  if (path === '/nope') throw fail('not_found', `Could not find the file ${path} in container ${container}`);
  return { name: 'x', sizeBytes: 5, mode: 0o102755, mtimeSeconds: 1, mtimeNanoseconds: 20, linkTarget: '' };
}

function fakeImage(): Image {
  const layer = digestOf('layer');
  return {
    id: digestOf('config'), repoTags: ['tool:latest'], repoDigests: [], sizeBytes: 1234, createdAt: new Date('2026-01-01T00:00:00Z'), lastTaggedAt: undefined, layers: [layer], parent: undefined,
    config: { architecture: 'amd64', os: 'linux', created: '2026-01-01T00:00:00Z', config: { Cmd: ['echo'], Labels: { a: 'b' } }, rootfs: { type: 'layers', diff_ids: [layer] } },
  };
}

/** A program that repeats its input and says goodbye on stderr at its end. */
export const repeat: FakeProgram = async ({ input, write }) => {
  for await (const bytes of input) write('stdout', bytes);
  write('stderr', 'bye\n');
  return 3;
};


function fakeNetworks(): Engine['networks'] {
  const none = (): never => { throw fail('not_found', 'network x not found'); };
  return {
    get: none, list: () => [], create: none, remove: none, prune: () => [], usage: () => [], members: () => [], check: none, join: none, connect: none, disconnect: none, publish: none, unpublish: none,
    rename: () => undefined, leave: () => undefined, restore: () => undefined, reconcile: () => undefined, mend: () => undefined, [Symbol.asyncDispose]: async () => undefined,
  };
}

function fakeVolumes(): Engine['volumes'] {
  const missing = (name: string): never => { throw fail('not_found', `get ${name}: no such volume`); };
  const none = (): never => { throw new Error('not part of this test'); };
  return { get: missing, list: () => [], create: none, hold: none, directoryOf: none, usersOf: () => [], remove: none, prune: none, use: none, release: none, reconcile: none, populate: none, clone: none, snapshot: none, rollback: none, removeSnapshot: none, export: none, import: none, usageBytes: none };
}
