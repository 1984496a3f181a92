// What can be packed into a tar. This is what runs in a worker (pack-worker.ts), away from the engine's thread.
import { createHash } from 'node:crypto';
import { fail, type Digest } from '../base/index.ts';
import type { Fd } from '../kernel/index.ts';
import type { ByteString } from '../spec/tar/index.ts';
import { rebuildTar } from './frame.ts';
import { Packer, type PackForm } from './pack.ts';
import { Sheets, type TakeSheet } from './sheets.ts';

/** Directories are descriptors; `F` is what they are held by: an owner, or on the way to a worker their number. */
export type PackJob<F = Fd> =
  /** A directory: with a name (that ends with a slash) itself and all in it, without one only what is in it. `latestSeconds`: no time is later. */
  | { readonly what: 'directory'; readonly dir: F; readonly as: ByteString | undefined; readonly form: PackForm; readonly latestSeconds?: number | undefined }
  /** One name in a directory. */
  | { readonly what: 'entry'; readonly dir: F; readonly name: ByteString; readonly as: ByteString }
  /** An unpacked layer, byte for byte as it came. */
  | { readonly what: 'layer'; readonly dir: F; readonly frame: F; readonly diffId: Digest };

const endMarkBytes = 1024;

/** Closes nothing. @throws KernelError; `unsupported` for what no tar can hold; `internal` for a layer that is not what it was. */
export function runPackJob(job: PackJob, take: TakeSheet): void {
  if (job.what === 'layer') return rebuildLayer(job, take);
  const sheets = new Sheets(take);
  if (job.what === 'directory') new Packer(sheets, job.form, job.latestSeconds).directory(job.dir, job.as);
  else if (!new Packer(sheets, 'tree').entry(job.dir, job.name, job.as)) throw fail('not_found', 'The file is gone');
  sheets.zeros(endMarkBytes);
  sheets.end();
  return undefined;
}

/** When the digest is wrong, the bytes are out already: who reads them is told by the end that does not come. */
function rebuildLayer({ dir, frame, diffId }: Extract<PackJob, { what: 'layer' }>, take: TakeSheet): void {
  const hash = createHash('sha256');
  const sheets = new Sheets(take, (bytes) => hash.update(bytes));
  rebuildTar(dir, frame, sheets);
  sheets.end();
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== diffId) throw fail('internal', `Layer ${diffId} is damaged on disk: its files make ${found}`, { hint: 'Remove the image and its containers, and load it again' });
}

export function directoriesOf<F>(job: PackJob<F>): readonly F[] {
  return job.what === 'layer' ? [job.dir, job.frame] : [job.dir];
}
