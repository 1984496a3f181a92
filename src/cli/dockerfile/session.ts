// The client's side of a build session: answers what the daemon asks for while a build runs (secrets, ssh agents). Files are read when they are asked for, and
// never sent otherwise.
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';
import { DaemonError, openBuildSession } from '../../client/index.ts';
import { secretBytesMax, type Channel, type Channels, type SessionAsk } from '../../spec/estiva/build-session.ts';
import { openError } from '../create/files.ts';
import { Exit, textOfError } from '../errors.ts';
import { FlagError } from '../flags.ts';
import { warn, type Session } from '../session.ts';
import { answerShell, type ShellChoice } from './shell.ts';
import { agentOfKeys, type Agent } from './ssh-agent.ts';

/** `--secret id=x,src=FILE`, `id=x,env=NAME`. */
export interface SecretWish {
  readonly id: string;
  readonly source: { readonly file: string } | { readonly variable: string } | undefined;
}

/** `--ssh default`, `--ssh id=SOCKET`, `--ssh id=KEY,KEY`. */
export interface SshWish {
  readonly id: string;
  readonly paths: readonly string[];
}

/** @throws FlagError */
export function parseSecret(text: string): SecretWish {
  const fields = new Map(text.split(',').map((field) => {
    const at = field.indexOf('=');
    if (at < 0) throw new FlagError(`invalid field '${field}' must be a key=value pair`);
    return [field.slice(0, at).toLowerCase(), field.slice(at + 1)] as const;
  }));
  const unknown = [...fields.keys()].find((key) => !['id', 'src', 'source', 'env', 'type'].includes(key));
  const [id = '', type] = [fields.get('id'), fields.get('type')];
  const [file, variable] = [fields.get('src') ?? fields.get('source'), fields.get('env')];
  if (unknown !== undefined) throw new FlagError(`unexpected key '${unknown}' in a secret: it has id, src, env and type`);
  if (type !== undefined && type !== 'file' && type !== 'env') throw new FlagError(`unsupported secret type ${JSON.stringify(type)}: it is file or env`);
  if (id === '') throw new FlagError('a secret needs an id: id=NAME,src=FILE or id=NAME,env=VARIABLE');
  if (file !== undefined && variable !== undefined) throw new FlagError('a secret comes from a file or a variable of the environment, not from both');
  if (type === 'env' && file !== undefined) return { id, source: { variable: file } };
  return { id, source: file !== undefined ? { file } : variable !== undefined ? { variable } : type === 'env' ? { variable: id } : type === 'file' ? { file: id } : undefined };
}

export function parseSsh(text: string): SshWish {
  const at = text.indexOf('=');
  const [id, paths] = at < 0 ? [text, []] : [text.slice(0, at), text.slice(at + 1).split(',').filter((path) => path !== '')];
  if (id === '') throw new FlagError('an ssh agent needs an id: default, or id=SOCKET, or id=KEY');
  return { id, paths };
}

export interface SessionWishes {
  readonly secrets: readonly SecretWish[];
  readonly agents: readonly SshWish[];
  /** Undefined: nobody is there to look into a step that fails. */
  readonly shell: ShellChoice | undefined;
}

export interface HeldSession extends Disposable {
  /** For `POST /build`. */
  readonly id: string;
}

/** Open until it is disposed. Undefined: there is nothing to be asked for, or the daemon is another one, and only the shell would be. @throws Exit with what cannot be read, before anything is sent */
export async function holdSession(session: Session, { secrets, agents, shell }: SessionWishes): Promise<HeldSession | undefined> {
  const isOptional = secrets.length + agents.length === 0 && shell?.always !== true;
  if (isOptional && shell === undefined) return undefined;
  using undo = new DisposableStack();
  const readers = new Map(secrets.map((wish) => [wish.id, secretReader(wish, session.environment)]));
  const sockets = new Map<string, string>();
  for (const wish of agents) sockets.set(wish.id, undo.use(await agentOf(wish, session.environment)).socketPath);
  const id = randomBytes(32).toString('hex');
  const onAsk = (ask: SessionAsk, channel: Channel): void => {
    switch (ask.what) {
      case 'secret': return answerSecret(channel, ask.id, readers.get(ask.id));
      case 'ssh?': return answerWhetherThere(channel, sockets.has(ask.id));
      case 'ssh': return answerAgent(channel, sockets.get(ask.id));
      case 'shell':
        if (shell === undefined) return channel.refuse('Nobody is at the terminal');
        answerShell(session, ask, channel, shell).catch((error: unknown) => {
          warn(session, textOfError(error));
          channel.destroy();
        });
        return undefined;
    }
  };
  const channels = await opened(session, id, onAsk, isOptional);
  if (channels === undefined) return undefined;
  undo.defer(() => channels.close());
  const all = undo.move();
  return { id, [Symbol.dispose]: () => all.dispose() };
}

/** Undefined: a daemon that has no sessions, where that is no harm. */
async function opened(session: Session, id: string, onAsk: Parameters<typeof openBuildSession>[2], isOptional: boolean): Promise<Channels | undefined> {
  try {
    return await openBuildSession(session.docker, id, onAsk);
  } catch (error) {
    if (error instanceof DaemonError && error.status === 404) {
      if (isOptional) return undefined;
      throw new Exit(1, 'ERROR: this daemon has no build sessions, so it cannot be given secrets, ssh agents or a terminal: it is not Estiva, or an older one');
    }
    throw error;
  }
}

function answerSecret(channel: Channel, id: string, read: (() => Uint8Array) | undefined): void {
  if (read === undefined) return channel.refuse(`There is no secret ${id}`);
  channel.resume().end(read());
  return undefined;
}

function answerWhetherThere(channel: Channel, isThere: boolean): void {
  if (!isThere) return channel.refuse('There is no such agent');
  channel.resume().end();
  return undefined;
}

function answerAgent(channel: Channel, path: string | undefined): void {
  if (path === undefined) return channel.refuse('There is no such agent');
  const socket = connect({ path, allowHalfOpen: true });
  pipeline(channel, socket, channel, () => undefined);
  return undefined;
}

/** What is wrong is said at once. */
function secretReader({ id, source }: SecretWish, environment: Session['environment']): () => Uint8Array {
  const from = source ?? (environment[id] === undefined ? { file: id } : { variable: id });
  if ('variable' in from) {
    const value = environment[from.variable];
    if (value === undefined) throw new Exit(1, `ERROR: secret ${id}: there is no variable ${from.variable} in the environment`);
    checkSize(id, Buffer.byteLength(value));
    return () => Buffer.from(value);
  }
  try {
    const stat = statSync(from.file);
    if (!stat.isFile()) throw new Exit(1, `ERROR: secret ${id}: ${from.file} is ${stat.isDirectory() ? 'a directory' : 'no file'}`);
    checkSize(id, stat.size);
  } catch (error) {
    throw error instanceof Exit ? error : new Exit(1, `ERROR: secret ${id}: ${openError(from.file, error)}`);
  }
  return () => readFileSync(from.file);
}

function checkSize(id: string, bytes: number): void {
  if (bytes > secretBytesMax) throw new Exit(1, `ERROR: secret ${id}: it is too large: ${bytes} bytes, and at most ${secretBytesMax} can be a secret`);
}

async function agentOf({ id, paths }: SshWish, environment: Session['environment']): Promise<Agent> {
  const given = paths.length === 0 ? environment['SSH_AUTH_SOCK'] : paths[0]!;
  if (given === undefined || given === '') throw new Exit(1, `ERROR: ssh ${id}: SSH_AUTH_SOCK is not set: start an agent, or give a key: --ssh ${id}=KEY`);
  const kinds = (paths.length === 0 ? [given] : paths).map((path) => isSocket(id, path));
  if (!kinds.includes(true)) return await agentOfKeys(id, paths);
  if (kinds.length > 1) throw new Exit(1, `ERROR: ssh ${id}: give one socket, or keys, not both`);
  return { socketPath: given, [Symbol.dispose]: () => undefined };
}

function isSocket(id: string, path: string): boolean {
  try {
    const stat = statSync(path);
    if (!stat.isSocket() && !stat.isFile()) throw new Exit(1, `ERROR: ssh ${id}: ${path} is neither a socket nor a key`);
    return stat.isSocket();
  } catch (error) {
    throw error instanceof Exit ? error : new Exit(1, `ERROR: ssh ${id}: ${openError(path, error)}`);
  }
}
