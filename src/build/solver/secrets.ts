// RUN --mount=type=secret and type=ssh: what only the client of the build has. A secret is in the memory of its step and nowhere else; an agent's socket leads
// to the client, and closes with the step. Neither is part of a key. Paths and modes are BuildKit's.
import { createServer, type Socket } from 'node:net';
import { posix } from 'node:path';
import { pipeline } from 'node:stream';
import { call, cloneMount, O, openIn } from '../../kernel/index.ts';
import { fail } from '../../base/index.ts';
import type { Mount } from '../../spec/dockerfile/index.ts';
import type { BuildSession } from '../session.ts';
import type { MountPlan } from './mounts.ts';
import type { StepRoom } from './work.ts';

const secretsDir = '/run/secrets';
const plainMode = { secret: 0o400, ssh: 0o600 };
const closed = ['ro', 'nosuid', 'nodev', 'noexec'];

/** `resolve`: a target relative to the working directory. @throws `invalid` */
export function secretPlan({ id, source, target, env, mode = plainMode.secret, uid = 0, gid = 0, required }: Mount, resolve: (target: string) => string, { storage: { snapshots }, session, signal }: StepRoom): MountPlan {
  const name = id ?? source ?? (target === undefined ? env! : posix.basename(target));
  const destination = target === undefined ? env === undefined ? `${secretsDir}/${posix.basename(name)}` : undefined : resolve(target);
  return {
    keyParts: ['secret', name, destination, env, mode, uid, gid], destination,
    open: async () => {
      const value = await session?.secret(name, signal);
      if (value === undefined) {
        if (required) throw missing(`The step requires the secret ${JSON.stringify(name)}, and the build was given none`, `estiva build --secret id=${name},src=FILE, or ,env=NAME`);
        return {};
      }
      const environment = env === undefined ? [] : [`${env}=${Buffer.from(value).toString('utf8')}`];
      return { environment, ...destination === undefined ? {} : { mount: { source: () => snapshots.openMemoryFile(value, { mode, uid, gid }), options: closed } } };
    },
  };
}

/** `index`: how many the step has had before. */
export function sshPlan({ id = 'default', target, mode = plainMode.ssh, uid = 0, gid = 0, required }: Mount, resolve: (target: string) => string, index: number, room: StepRoom): MountPlan {
  const destination = target === undefined ? `/run/buildkit/ssh_agent.${index}` : resolve(target);
  const { session, signal } = room;
  return {
    keyParts: ['ssh', id, destination, mode, uid, gid], destination,
    open: async (opened) => {
      if (session === undefined || !await session.hasAgent(id, signal)) {
        if (required) throw missing(`The step requires the ssh agent ${JSON.stringify(id)}, and the build was given none`, `estiva build --ssh ${id}${id === 'default' ? '' : '=SOCKET'}`);
        return {};
      }
      const dir = opened.use(room.storage.snapshots.scratch()).dir;
      await listenFor(session, id, `/proc/self/fd/${dir.number}/agent`, opened);
      call('fchownat', dir.number, 'agent', uid, gid, 0);
      call('fchmodat', dir.number, 'agent', mode, 0);
      const socket = opened.use(openIn(dir, 'agent', O.PATH | O.NOFOLLOW, 'plain'));
      return { environment: index === 0 ? [`SSH_AUTH_SOCK=${destination}`] : [], mount: { source: () => cloneMount(socket, false), options: [] } };
    },
  };
}

/** Each connection of a program of the step becomes one to the client's agent. */
async function listenFor(session: BuildSession, id: string, path: string, opened: DisposableStack): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    const channel = session.connectAgent(id);
    pipeline(socket, channel, socket, () => sockets.delete(socket));
  });
  opened.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(path, resolve);
  await promise;
}

function missing(what: string, hint: string): Error {
  return fail('invalid', what, { hint });
}
