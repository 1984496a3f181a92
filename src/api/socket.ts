// The unix socket: who may connect, and what happens when something is already there.
import { chmodSync, chownSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { fail, messageOf } from '../base/index.ts';

/** Longest path that fits into `struct sockaddr_un` (unix(7)), without the zero at its end. */
const pathBytesMax = 107;

/**
 * Listens on `path`: mode 0660 with the group `docker` where there is one, else 0600. The socket of a dead daemon is replaced.
 * @throws `conflict` when a daemon answers there, `invalid` when something else is in the way or the path is too long.
 */
export async function listenOn(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > pathBytesMax) {
    throw fail('invalid', `Cannot listen on "${path}": a socket's path has at most ${pathBytesMax} bytes`, { hint: 'Choose a shorter run directory' });
  }
  await clearPath(path);
  const umask = process.umask(0o177); // between bind and chmod nobody else may connect
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(fail('unavailable', `Cannot listen on "${path}": ${messageOf(error)}`, { cause: error })));
    server.listen(path, resolve);
  });
  process.umask(umask); // bind(2) has happened within listen()
  await listening;
  admitGroup(path);
}

async function clearPath(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw fail('invalid', `Cannot listen on "${path}": it is there and is not a socket`, { hint: 'Remove it or choose another path' });
  if (await answers(path)) {
    throw fail('conflict', `Cannot listen on "${path}": another daemon answers there`, { hint: 'Stop it, or choose another --run directory or -H socket' });
  }
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else if (error.code === 'EAGAIN') resolve(true); // a full backlog: somebody is there, and busy
      else reject(fail('unavailable', `Cannot look who is at "${path}": ${messageOf(error)}`, { cause: error }));
    });
  });
}

function admitGroup(path: string): void {
  const group = dockerGroup();
  if (group === undefined) return;
  try {
    chownSync(path, -1, group);
    chmodSync(path, 0o660);
  } catch (error) {
    // Only root and the group's members may give a file to the group; for others the socket stays their own.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/** The id of the group `docker` in /etc/group (group(5)). */
function dockerGroup(): number | undefined {
  const id = /^docker:[^:]*:(\d+):/m.exec(readFileSync('/etc/group', 'utf8'))?.[1];
  return id === undefined ? undefined : Number(id);
}
