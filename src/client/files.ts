// Files of containers: the typed calls for archives, changes, export and commit.
import type { ChangeView, PathStatView } from '../spec/docker/archive-view.ts';
import type { Docker } from './docker.ts';
import { textOf } from './docker.ts';
import type { Answer } from './http.ts';

const at = (container: string, rest: string): string => `/containers/${encodeURIComponent(container)}${rest}`;

export async function statContainerPath(docker: Docker, container: string, path: string): Promise<PathStatView> {
  const answer = await docker.call('HEAD', at(container, '/archive'), { query: { path } });
  await textOf(answer);
  return statOf(answer);
}

/** The tar of what is at `path`; read it to its end, or close the answer. */
export async function readContainerPath(docker: Docker, container: string, path: string): Promise<{ readonly stat: PathStatView; readonly tar: Answer }> {
  const tar = await docker.call('GET', at(container, '/archive'), { query: { path } });
  return { stat: statOf(tar), tar };
}

export interface WritePathOptions {
  readonly noOverwriteDirNonDir: boolean;
  readonly copyUIDGID: boolean;
}

export async function writeContainerPath(docker: Docker, container: string, path: string, tar: AsyncIterable<Uint8Array>, options: WritePathOptions): Promise<void> {
  const upload = { bytes: tar, contentType: 'application/x-tar' };
  await textOf(await docker.call('PUT', at(container, '/archive'), { upload, query: { path, ...options } }));
}

/** Null when nothing was changed. */
export function containerChanges(docker: Docker, container: string): Promise<readonly ChangeView[] | null> {
  return docker.json('GET', at(container, '/changes'));
}

export function exportContainer(docker: Docker, container: string): Promise<Answer> {
  return docker.call('GET', at(container, '/export'));
}

export interface CommitOptions {
  readonly repo: string | undefined;
  readonly tag: string | undefined;
  readonly author: string | undefined;
  readonly comment: string | undefined;
  readonly pause: boolean;
  readonly changes: readonly string[];
}

export function commitContainer(docker: Docker, container: string, { changes, pause, ...query }: CommitOptions): Promise<{ readonly Id: string }> {
  // `changes` may repeat, which a record cannot say: those parts are written here.
  const repeated = changes.map((change) => `&changes=${encodeURIComponent(change)}`).join('');
  return docker.json('POST', `/commit?container=${encodeURIComponent(container)}&pause=${pause ? 1 : 0}${repeated}`, { query: { ...query }, body: null });
}

function statOf(answer: Answer): PathStatView {
  const header = answer.headers.get('x-docker-container-path-stat');
  if (header === undefined) throw new Error('The daemon did not say what is at the path (X-Docker-Container-Path-Stat)');
  // Here the daemon's JSON takes its type: it is the API's contract.
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStatView;
}

/** The body in pieces, as they are asked for. Leaving early closes the connection. */
export async function* bodyOf(answer: Answer): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = Promise.withResolvers<Buffer | undefined>();
  let taken = Promise.withResolvers<void>();
  const read = answer.read((bytes) => {
    piece.resolve(bytes);
    return taken.promise;
  });
  read.then(() => piece.resolve(undefined), (error: unknown) => piece.reject(error));
  try {
    for (;;) {
      const bytes = await piece.promise;
      if (bytes === undefined) return;
      yield bytes;
      piece = Promise.withResolvers();
      const before = taken;
      taken = Promise.withResolvers();
      before.resolve();
    }
  } finally {
    answer.close();
  }
}
