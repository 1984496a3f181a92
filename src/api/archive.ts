// Files of containers: archives in and out, what changed, the whole root, and commit.
import type { ServerResponse } from 'node:http';
import { fail } from '../base/index.ts';
import type { CommitOptions, PathStat } from '../engine/index.ts';
import type { PathStatView } from '../spec/docker/archive-view.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { passingBodyOf, readOptionalJson } from './body.ts';
import { type Call, parameterOf } from './call.ts';
import { containerConfig } from './create-request.ts';

const kinds = { modified: 0, added: 1, deleted: 2 } as const;

export async function statPath(call: Call): Promise<void> {
  const stat = await call.engine.containers.statPath(parameterOf(call, 'id'), pathOf(call));
  call.response.setHeader('X-Docker-Container-Path-Stat', statHeader(stat));
  answerEmpty(call.response, 200);
}

export async function readArchive(call: Call): Promise<void> {
  await using archive = await call.engine.containers.readArchive(parameterOf(call, 'id'), pathOf(call));
  call.response.setHeader('X-Docker-Container-Path-Stat', statHeader(archive.stat));
  await answerTar(call.response, archive.bytes, call.signal);
}

export async function writeArchive(call: Call): Promise<void> {
  const { engine, query, request, response, signal } = call;
  const options = { keepsKinds: query.flag('noOverwriteDirNonDir'), asUser: query.flag('copyUIDGID'), signal };
  await engine.containers.writeArchive(parameterOf(call, 'id'), pathOf(call), passingBodyOf(request), options);
  answerEmpty(response, 200);
}

export async function changes(call: Call): Promise<void> {
  const changed = await call.engine.containers.changes(parameterOf(call, 'id'));
  answerJson(call.response, 200, changed.map(({ path, kind }) => ({ Path: path, Kind: kinds[kind] })));
}

export async function exportRoot(call: Call): Promise<void> {
  await using tar = await call.engine.containers.exportRoot(parameterOf(call, 'id'));
  await answerTar(call.response, tar.bytes, call.signal);
}

export async function commit(call: Call): Promise<void> {
  const { engine, query, request, response, signal } = call;
  const container = query.text('container');
  if (container === '') throw fail('invalid', 'invalid name or ID supplied: ""');
  const [repo, tag] = [query.text('repo'), query.text('tag')];
  const options: CommitOptions = {
    author: query.text('author'), message: query.text('comment'), pause: query.text('pause') === '' || query.flag('pause'), changes: query.all('changes'),
    reference: repo === '' ? undefined : tag === '' ? repo : `${repo}:${tag}`, config: await readOptionalJson(request, containerConfig), signal,
  };
  answerJson(response, 201, { Id: await engine.containers.commit(container, options) });
}

/** A tar as it comes: each piece is given away before the next is asked for. What fails in the middle cuts the answer off. */
export async function answerTar(response: ServerResponse, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/x-tar' });
  for await (const piece of bytes) {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => { response.off('close', done); resolve(); };
      response.once('close', done);
      response.write(piece, done);
    });
  }
  response.end();
}

function pathOf({ query }: Call): string {
  const path = query.text('path');
  if (path === '') throw fail('invalid', 'bad parameter: path cannot be empty');
  return path;
}

function statHeader({ name, sizeBytes, mode, mtimeSeconds, mtimeNanoseconds, linkTarget }: PathStat): string {
  const view: PathStatView = { name, size: sizeBytes, mode: goMode(mode), mtime: rfc3339Nano(mtimeSeconds, mtimeNanoseconds), linkTarget };
  return Buffer.from(JSON.stringify(view)).toString('base64');
}

/** As Go prints a time: no zeros at the end of the fraction. */
function rfc3339Nano(seconds: number, nanoseconds: number): string {
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  return new Date(seconds * 1000).toISOString().replace('.000Z', `${fraction}Z`);
}

/** Go's os.FileMode for what Linux says: [the type's bits or the bit, Go's bits]. Source: package io/fs, FileMode; inode(7). */
const goTypes: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31, 0o120000: 2 ** 27, 0o060000: 2 ** 26, 0o020000: 2 ** 26 + 2 ** 21, 0o010000: 2 ** 25, 0o140000: 2 ** 24,
};
const goBits: readonly (readonly [linux: number, go: number])[] = [[0o4000, 2 ** 23], [0o2000, 2 ** 22], [0o1000, 2 ** 20]];

function goMode(mode: number): number {
  const bits = goBits.filter(([linux]) => (mode & linux) !== 0).reduce((sum, [, go]) => sum + go, 0);
  return (goTypes[mode & 0o170000] ?? 0) + bits + (mode & 0o777);
}
