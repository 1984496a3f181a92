import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFail } from '../../base/index.ts';
import { byteString, bytesOf, readTar, tarHeader, tarLimits, writeTar, type ByteString, type TarHeader, type TarLimits, type TarMember } from './index.ts';
import { formatPaxTime, parsePaxTime } from './number.ts';

type Member = TarHeader & { readonly bytes: Buffer };

async function collect(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(bytes: Buffer, chunk = 65536, limits: TarLimits = tarLimits): Promise<Member[]> {
  const members: Member[] = [];
  for await (const entry of readTar(inChunks(bytes, chunk), limits)) {
    const { segments, data, ...header } = entry;
    const stored = await collect(data());
    const whole = segments === undefined ? stored : Buffer.alloc(header.sizeBytes);
    let at = 0;
    for (const segment of segments ?? []) {
      stored.copy(whole, segment.offset, at, at + segment.sizeBytes);
      at += segment.sizeBytes;
    }
    members.push({ ...header, bytes: whole });
  }
  return members;
}

function pack(members: readonly Member[]): Promise<Buffer> {
  return collect(writeTar(members.map(({ bytes, ...header }): TarMember => ({ header, data: bytes.length > 0 ? [bytes] : [] }))));
}

const name = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes.map((b) => (b === 0 ? 1 : b))).toString('latin1') as ByteString);
const id = fc.oneof(fc.nat(70000), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const common = fc.record({
  path: name, mode: fc.integer({ min: 0, max: 0o7777 }), uid: id, gid: id,
  mtimeSeconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), mtimeNanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
  xattrs: fc.dictionary(fc.string({ minLength: 1, maxLength: 30 }).map((key) => `user.${Buffer.from(key).toString('hex')}`), fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxKeys: 3 })
    .map((object) => new Map(Object.entries(object).map(([key, value]) => [byteString(key), Buffer.from(value)] as const))),
});
const device = fc.record({ deviceMajor: fc.nat(4095), deviceMinor: fc.nat(1048575) });
const noDevice = { deviceMajor: 0, deviceMinor: 0 };
const none = byteString('');
const member: fc.Arbitrary<Member> = fc.oneof(
  fc.tuple(common, fc.uint8Array({ maxLength: 1500 })).map(([c, data]) => ({ ...c, ...noDevice, type: 'file' as const, linkPath: none, sizeBytes: data.length, bytes: Buffer.from(data) })),
  fc.tuple(common, name, fc.constantFrom('hardlink' as const, 'symlink' as const)).map(([c, linkPath, type]) => ({ ...c, ...noDevice, type, linkPath, sizeBytes: 0, bytes: Buffer.alloc(0) })),
  fc.tuple(common, fc.constantFrom('directory' as const, 'fifo' as const)).map(([c, type]) => ({ ...c, ...noDevice, type, linkPath: none, sizeBytes: 0, bytes: Buffer.alloc(0) })),
  fc.tuple(common, device, fc.constantFrom('char' as const, 'block' as const)).map(([c, d, type]) => ({ ...c, ...d, type, linkPath: none, sizeBytes: 0, bytes: Buffer.alloc(0) })),
);

test('readTar() gives back what writeTar() was given, whatever the chunks', async () => {
  await fc.assert(fc.asyncProperty(fc.array(member, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), async (members, chunk) => {
    assert.deepEqual(await readAll(await pack(members), chunk), members);
  }), { numRuns: 150 });
});

test('readTar() fails foreseen, or reads, whatever byte is changed', async () => {
  await fc.assert(fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), async (members, at, value) => {
    const bytes = await pack(members);
    bytes[at % bytes.length] = value;
    await readAll(bytes).catch((error: unknown) => assert.ok(isFail(error), String(error)));
  }), { numRuns: 200 });
});

test('readTar() fails foreseen, or reads, whatever bytes the PAX header holds', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
    await readAll(await withPax(Buffer.from(bytes))).catch((error: unknown) => assert.ok(isFail(error), String(error)));
  }), { numRuns: 200 });
});

test('parsePaxTime() inverts formatPaxTime()', () => {
  fc.assert(fc.property(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.integer({ min: 0, max: 999_999_999 }), (seconds, nanoseconds) => {
    assert.deepEqual(parsePaxTime(formatPaxTime(seconds, nanoseconds)), [seconds, nanoseconds]);
  }));
});

/** A raw block with a right checksum: what writeTar would never write. */
function rawBlock(fields: { name?: string; flag?: string; size?: string | Buffer; magic?: string; link?: string; uid?: Buffer }): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name ?? 'x', 0, 'latin1');
  block.write('0000644\x000000000\x000000000\x00', 100, 'latin1');
  if (fields.uid !== undefined) fields.uid.copy(block, 108);
  const size = fields.size ?? '00000000000\x00';
  if (typeof size === 'string') block.write(size, 124, 'latin1');
  else size.copy(block, 124);
  block.write('00000000000\x00        ', 136, 'latin1');
  block.write(fields.flag ?? '0', 156, 'latin1');
  block.write(fields.link ?? '', 157, 'latin1');
  block.write(fields.magic ?? 'ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

const end = Buffer.alloc(1024);

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

async function withPax(records: Buffer, flag = 'x'): Promise<Buffer> {
  const header = rawBlock({ name: 'PaxHeaders/x', flag, size: `${records.length.toString(8).padStart(11, '0')}\0` });
  return Buffer.concat([header, padded(records), await pack([{ ...tarHeader({ type: 'file', path: 'x' }), bytes: Buffer.alloc(0) }])]);
}

function pax(records: Record<string, string>): Buffer {
  return Buffer.concat(Object.entries(records).map(([key, value]) => {
    const rest = key.length + Buffer.byteLength(value) + 3;
    const length = rest + String(rest + String(rest).length).length;
    return Buffer.from(`${length} ${key}=${value}\n`);
  }));
}

async function refused(bytes: Buffer | Promise<Buffer>, reason: RegExp, limits?: Partial<TarLimits>): Promise<void> {
  await assert.rejects(readAll(await bytes, 777, { ...tarLimits, ...limits }), (error: unknown) => {
    assert.ok(isFail(error), String(error));
    assert.match(error.message, reason);
    return true;
  });
}

// The weaknesses that other tar readers had: promises.md, "Tar in Node".
test('readTar() keeps a PAX path of digits a name', async () => {
  const [read] = await readAll(await withPax(pax({ path: '12345' })));
  assert.equal(read!.path, '12345');
});

test('readTar() refuses NUL bytes in PAX paths and link paths', async () => {
  await refused(withPax(pax({ path: 'a\0b' })), /Cannot read "x" of the archive: a PAX path contains a NUL byte/);
  await refused(withPax(pax({ linkpath: 'a\0b' })), /NUL byte/);
});

test('readTar() refuses negative sizes', async () => {
  await refused(Buffer.concat([rawBlock({ size: Buffer.alloc(12, 0xff) }), end]), /its sizeBytes is negative/);
  await refused(withPax(pax({ size: '-1' })), /its PAX size is not a number/);
  await refused(Buffer.concat([rawBlock({ uid: Buffer.alloc(8, 0xff) }), end]), /its uid is negative/);
});

test('readTar() refuses numbers beyond 2^53', async () => {
  await refused(Buffer.concat([rawBlock({ size: Buffer.from([0x80, 1, ...Buffer.alloc(10, 0xff)]) }), end]), /its sizeBytes is not a number/);
  await refused(withPax(pax({ size: '99999999999999999999' })), /its PAX size/);
});

test('readTar() reads base-256 numbers', async () => {
  const [read] = await readAll(Buffer.concat([rawBlock({ uid: Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]) }), end]));
  assert.equal(read!.uid, 4294967294);
});

test('readTar() takes the size of an extension header from its own block only', async () => {
  const long = Buffer.from('long/name\0');
  const records = pax({ size: '3' });
  const bytes = Buffer.concat([
    rawBlock({ flag: 'x', size: `${records.length.toString(8).padStart(11, '0')}\0` }), padded(records),
    rawBlock({ name: '././@LongLink', flag: 'L', size: '00000000012\0', magic: 'ustar  \0' }), padded(long),
    rawBlock({ magic: 'ustar  \0' }), padded(Buffer.from('abc')), end,
  ]);
  const [read] = await readAll(bytes);
  assert.deepEqual([read!.path, read!.bytes.toString()], ['long/name', 'abc']);
});

test('readTar() refuses a member with two different names, or two PAX headers', async () => {
  const records = pax({ path: 'one' });
  const x = Buffer.concat([rawBlock({ flag: 'x', size: `${records.length.toString(8).padStart(11, '0')}\0` }), padded(records)]);
  const long = Buffer.concat([rawBlock({ flag: 'L', size: '00000000004\0' }), padded(Buffer.from('two\0'))]);
  await refused(Buffer.concat([x, long, rawBlock({}), end]), /it has two different names/);
  await refused(Buffer.concat([x, x, rawBlock({}), end]), /two extension headers of one kind/);
});

test('readTar() ignores global PAX headers', async () => {
  const [read] = await readAll(await withPax(pax({ path: 'evil', uid: '7' }), 'g'));
  assert.deepEqual([read!.path, read!.uid], ['x', 0]);
});

test('readTar() refuses broken PAX records', async () => {
  for (const text of ['5 a=b', '99 path=x\n', '0 a=b\n', '+7 a=b\n', '7 ab=c', '6 =abc\n', '4 ab\n', 'path=x\n', '10 path=x\n1 ']) await refused(withPax(Buffer.from(text)), /Cannot read "PaxHeaders\/x" of the archive: a PAX record/);
});

test('readTar() names the limit that is exceeded', async () => {
  const three = await pack(['a', 'b', 'c'].map((path) => ({ ...tarHeader({ type: 'file', path, sizeBytes: 600 }), bytes: Buffer.alloc(600) })));
  await refused(three, /more than 2 members/, { entriesMax: 2 });
  await refused(three, /more than 1500 bytes of data/, { dataBytesMax: 1500 });
  await refused(withPax(pax({ path: 'p'.repeat(5000) })), /a path of 5000 bytes is longer than 4095/);
  await refused(withPax(pax({ comment: 'c'.repeat(2 ** 20) })), /more than 1048576/);
  await refused(Buffer.concat([three.subarray(0, 3 * 1536), end, Buffer.alloc(4096)]), /bytes of data/, { dataBytesMax: 3000 });
});

test('readTar() refuses archives that end inside a member, its header or its extensions', async () => {
  const whole = await pack([{ ...tarHeader({ type: 'file', path: 'f', sizeBytes: 1000 }), bytes: Buffer.alloc(1000, 1) }]);
  await refused(whole.subarray(0, 100), /it is not a tar archive/);
  await refused(Buffer.concat([whole.subarray(0, 1536), Buffer.alloc(100, 1)]), /it ends inside a header, at byte 1636/);
  await refused(whole.subarray(0, 900), /Cannot read "f" of the archive: the archive ends inside it/);
  await refused((await withPax(pax({ path: 'abc' }))).subarray(0, 512 + 3), /ends inside it/);
  await refused((await withPax(pax({ path: 'abc' }))).subarray(0, 1024), /extension headers but no header/);
  assert.equal((await readAll(whole.subarray(0, 1536))).length, 1, 'an end between two members is an end');
});

test('readTar() refuses a wrong checksum, unknown types, a lone empty block, an empty name', async () => {
  const wrong = rawBlock({});
  wrong[0] = 0x79;
  await refused(Buffer.concat([wrong, end]), /Cannot read "y" of the archive: its header checksum is wrong/);
  await refused(Buffer.concat([rawBlock({ flag: 'Q' }), end]), /its type "Q" is unknown/);
  await refused(Buffer.concat([Buffer.alloc(512), rawBlock({}), end]), /single empty block at byte 0/);
  await refused(Buffer.concat([rawBlock({ name: '' }), end]), /a member without a name/);
  await refused(Buffer.alloc(2048, 0x41), /^Cannot read the archive: it is not a tar archive$/);
});

test('readTar() ignores the size of members that have no data', async () => {
  const read = await readAll(Buffer.concat([rawBlock({ flag: '2', link: 'to', size: '00000001000\0' }), rawBlock({ name: 'next' }), end]));
  assert.deepEqual(read.map((one) => [one.path, one.sizeBytes]), [['x', 0], ['next', 0]]);
});

test('readTar() refuses sparse maps that lie', async () => {
  const sparse = (records: Record<string, string>, data = ''): Buffer => {
    const bytes = pax({ ...records, size: String(data.length) });
    return Buffer.concat([rawBlock({ flag: 'x', size: `${bytes.length.toString(8).padStart(11, '0')}\0` }), padded(bytes), rawBlock({}), padded(Buffer.from(data)), end]);
  };
  await refused(sparse({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '0,5,3,5' }, '0123456789'), /overlaps itself or leaves the file/);
  await refused(sparse({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '8,5' }, '01234'), /leaves the file/);
  await refused(sparse({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '0,5,x,1' }, '01234'), /not made of numbers/);
  await refused(sparse({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '0,5,7' }, '01234'), /incomplete/);
  await refused(sparse({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '0,5' }, '0123456'), /does not fit its data/);
  await refused(sparse({ 'GNU.sparse.size': 'ten', 'GNU.sparse.map': '' }), /not a number/);
  await refused(sparse({ 'GNU.sparse.major': '2', 'GNU.sparse.realsize': '1' }), /sparse format is unknown/);
  const one = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '10' };
  await refused(sparse(one, '99999999\n'), /no usable length/);
  await refused(sparse(one, '1\n0\n'), /cut off/);
  await refused(sparse(one, ''), /cut off/);
  assert.equal((await readAll(sparse({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '2,3' }, 'abc')))[0]!.bytes.toString('latin1'), '\0\0abc\0\0\0\0\0');
});

test('readTar() reads what GNU tar writes: every format, sparse files, long names, hard links', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-tar-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const deep = `${'d'.repeat(60)}/${'e'.repeat(90)}`;
  execFileSync('sh', ['-c', `mkdir -p 'in/${deep}' && echo long > 'in/${deep}/${'f'.repeat(80)}' && ln 'in/${deep}/${'f'.repeat(80)}' in/hard && ln -s '${'t'.repeat(150)}' in/soft && mkfifo in/fifo &&
    truncate -s 3M in/sparse && printf begin | dd of=in/sparse conv=notrunc status=none && i=1; while [ $i -lt 30 ]; do printf "part$i" | dd of=in/sparse bs=65536 seek=$i conv=notrunc status=none; i=$((i+1)); done`], { cwd: dir });
  const whole = readFileSync(join(dir, 'in/sparse'));
  for (const args of [['--format=gnu'], ['--format=gnu', '--sparse'], ['--format=posix'], ['--format=posix', '--sparse', '--sparse-version=0.0'], ['--format=posix', '--sparse', '--sparse-version=0.1'], ['--format=posix', '--sparse', '--sparse-version=1.0']]) {
    execFileSync('tar', ['-C', join(dir, 'in'), '-cf', join(dir, 'out.tar'), ...args, '.']);
    const members = new Map((await readAll(readFileSync(join(dir, 'out.tar')), 5000)).map((one) => [one.path as string, one]));
    assert.ok(members.get('./sparse')!.bytes.equals(whole), `${args.join(' ')}: sparse`);
    assert.equal(members.get('./soft')!.linkPath, 't'.repeat(150));
    assert.equal(members.get('./fifo')!.type, 'fifo');
    const links = [...members.values()].filter((one) => one.bytes.toString() === 'long\n' || one.type === 'hardlink');
    assert.deepEqual(links.map((one) => one.type).sort(), ['file', 'hardlink'], args.join(' '));
  }
});

test('writeTar() writes what GNU tar reads', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-tar-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const paths = ['plain', `${'p'.repeat(120)}/${'n'.repeat(90)}`, `${'q'.repeat(200)}/${'m'.repeat(200)}`, 'ünïcode'];
  const members = paths.map((path) => ({ ...tarHeader({ type: 'file', path, sizeBytes: 3, uid: 3_000_000, gid: 4_000_000_000, mtimeSeconds: 5, mtimeNanoseconds: 250_000_000 }), bytes: Buffer.from('abc') }));
  writeFileSync(join(dir, 'x.tar'), await pack(members));
  const listed = execFileSync('tar', ['--numeric-owner', '--full-time', '--quoting-style=literal', '-tvf', join(dir, 'x.tar')], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  for (const line of listed.trimEnd().split('\n')) assert.match(line, /3000000\/4000000000 +3 1970-01-01 00:00:05(\.25)? /);
  assert.deepEqual(listed.trimEnd().split('\n').map((line) => line.split(' ').at(-1)), paths);
  assert.deepEqual(members.map((one) => bytesOf(one.path).toString()), paths);
});
