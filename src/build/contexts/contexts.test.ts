// Kept contexts without a disk: what a client may say, what of it must come, and how it comes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextKinds, type ContextEntry, type ContextRow } from '../../spec/estiva/build-context.ts';
import { byteString, type ByteString } from '../../spec/tar/index.ts';
import { checkOffer, decodeRow } from './offer.ts';
import { ParcelReader } from './parcel.ts';
import { planOf, writtenRows, type KeptEntry } from './plan.ts';

function row(path: string, kind: ContextEntry['kind'], more: Partial<ContextEntry> = {}): ContextRow {
  const entry = { mode: 0o644, sizeBytes: kind === 'file' ? 3 : 0, mtimeSeconds: 1, mtimeNanoseconds: 2, stamp: 'a', isSettled: true, link: kind === 'symlink' ? 'x' : '', device: { major: 0, minor: 0 }, ...more };
  return [path, contextKinds.indexOf(kind), entry.mode, entry.sizeBytes, entry.mtimeSeconds, entry.mtimeNanoseconds, entry.stamp, entry.isSettled ? 1 : 0, entry.link, entry.device.major, entry.device.minor];
}

const known = (...rows: readonly ContextRow[]): Map<string, KeptEntry> => new Map(checkOffer(rows).map((entry) => [entry.path, { ...entry, sha256: entry.kind === 'file' ? 'old' : '' }]));

test('checkOffer() takes names of any bytes, and refuses every path that is none of the context', () => {
  assert.equal(checkOffer([row('a', 'directory'), row('a/b\n\xff', 'file')])[1]!.path, 'a/b\n\xff');
  for (const path of ['', '/etc/passwd', '..', '../x', 'a/../b', 'a/./b', 'a//b', 'a/', '.', 'a\0b', '\u0100', 'x'.repeat(256), `${'d/'.repeat(3000)}x`]) {
    assert.throws(() => checkOffer([row('a', 'directory'), row(path, 'file')]), /The context cannot have/, path.slice(0, 20));
  }
});

test('checkOffer() refuses what comes twice, what lies in a file or a link, and what comes before its directory', () => {
  for (const rows of [
    [row('a', 'file'), row('a', 'file')], [row('a', 'file'), row('a', 'directory')], [row('a', 'symlink', { link: '/etc' as ByteString }), row('a/passwd', 'file')],
    [row('a', 'file'), row('a/b', 'file')], [row('a/b', 'file'), row('a', 'directory')], [row('a', 'symlink', { link: byteString('') })], [row('a', 'directory', { sizeBytes: 5 })], [row('a', 'file', { link: byteString('x') })],
  ]) assert.throws(() => checkOffer(rows), /The context cannot have "a/);
});

test('decodeRow() refuses other numbers of values, other types, and numbers out of range', () => {
  assert.deepEqual(decodeRow(row('a', 'file'), 'rows[0]'), row('a', 'file'));
  for (const wrong of [[], ['a'], [...row('a', 'file'), 1], row('a', 'file', { mode: 0o10000 }), row('a', 'file', { sizeBytes: -1 }), row('a', 'file', { mtimeNanoseconds: 1e9 }), 'x', null]) assert.throws(() => decodeRow(wrong, 'rows[0]'));
});

test('planOf() wants what is new or of another length, doubts what has another stamp or was unsettled, and leaves the rest', () => {
  const before = known(row('d', 'directory'), row('d/same', 'file'), row('d/stamp', 'file'), row('d/racy', 'file', { isSettled: false }), row('d/longer', 'file'), row('d/gone', 'file'), row('l', 'symlink'), row('turned', 'directory'), row('turned/x', 'file'));
  const offered = checkOffer([row('d', 'directory'), row('d/same', 'file'), row('d/stamp', 'file', { stamp: 'b' }), row('d/racy', 'file'), row('d/longer', 'file', { sizeBytes: 4 }), row('l', 'symlink', { link: byteString('y') }), row('new', 'file'), row('turned', 'file')]);
  const plan = planOf(offered, before);
  assert.deepEqual([plan.wanted, plan.doubtful, plan.made], [[4, 6, 7], [2, 3], [5]]);
  assert.deepEqual(plan.gone.map(({ path }) => path), ['turned/x', 'turned', 'd/gone']);
  assert.deepEqual(writtenRows(offered, plan, [4, 6, 7]), [0, 4, 5, 6, 7], 'the directory of what changes gets its time again');
  assert.equal(planOf(checkOffer([row('a', 'file')]), known(row('a', 'file'))).isSame, true);
});

test('planOf() notices a mode and a time that were set while the stamp stayed', () => {
  for (const changed of [row('a', 'file', { mode: 0o600 }), row('a', 'file', { mtimeNanoseconds: 3 })]) assert.deepEqual(planOf(checkOffer([changed]), known(row('a', 'file'))).doubtful, [0]);
});

test('ParcelReader gives lines and content however the bytes are cut, and refuses what ends too early or has more', async () => {
  const whole = Buffer.from('{"rows":[0,1]}\nabcdef{"unsettled":[1]}\n');
  for (const size of [1, 4, 100]) {
    const reader = new ParcelReader(cut(whole, size));
    assert.deepEqual(await reader.rows(), [0, 1]);
    assert.equal(await text(reader.content(4)) + await text(reader.content(2)), 'abcdef');
    assert.deepEqual(await reader.unsettled(), [1]);
  }
  const short = new ParcelReader(cut(whole.subarray(0, 17), 4));
  await short.rows();
  await assert.rejects(text(short.content(6)), /ended too early/);
  const long = new ParcelReader(cut(Buffer.concat([whole, Buffer.from('x')]), 5));
  await long.rows();
  await text(long.content(6));
  await assert.rejects(long.unsettled(), /more than it said/);
});

// eslint-disable-next-line typescript/require-await -- a stream
async function* cut(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function text(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(pieces, (piece) => Buffer.from(piece))).toString();
}
