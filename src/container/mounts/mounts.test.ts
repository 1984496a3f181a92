// What -v and --mount mean, beside what dockerd 28.5 answered to the same requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { mountHolding, parseMountinfo } from '../../kernel/index.ts';
import type { MountRequest } from '../../spec/docker/mount.ts';
import { parseBind } from './binds.ts';
import { refuseKernelPlaces } from './destination.ts';
import { bindMount } from './oci.ts';
import { byDepth } from './order.ts';
import { parseMountRequest } from './request.ts';
import { parseTmpfs } from './tmpfs.ts';
import { parseIdMaps, parseMode } from './words.ts';

const refused = (act: () => unknown, message: string | RegExp): void => {
  assert.throws(act, (error) => isFail(error, 'invalid') && (typeof message === 'string' ? error.message === message : message.test(error.message)));
};

test('parseBind() reads a source, a destination and words', () => {
  const { point } = parseBind('/a/../b/:/data/../e/:ro', '');
  assert.deepEqual(point, {
    type: 'bind', source: '/b', destination: '/e', mode: 'ro', isRecursive: true, createsSource: true, propagation: 'rprivate', propagationAsked: false, rw: false, readOnlyBelow: true, chown: false, overlay: false,
  });
  const volume = parseBind('data:/d:nocopy', 'local');
  assert.deepEqual(volume.volume, { name: 'data', driver: 'local', options: null, labels: null });
  assert.ok(volume.point.type === 'volume' && !volume.point.copiesUp && !volume.point.isAnonymous && volume.point.rw);
  const place = parseBind('/data', '').point;
  assert.ok(place.type === 'volume' && place.isAnonymous && place.copiesUp && place.mode === 'z');
});

test('parseBind() refuses in dockerd\'s words', () => {
  for (const text of ['', ':', '::', ':/data', '/data:', '/data:ro', 'a:b:c:d']) refused(() => parseBind(text, ''), `invalid volume specification: '${text}'`);
  for (const words of ['rw,ro', 'z,Z', 'bogus', 'ro,bogus', 'shared,slave', 'copy', 'unbindable', 'ro,ro', 'exec', 'cached,delegated', 'size=1']) refused(() => parseBind(`/a:/data:${words}`, ''), `invalid mode: ${words}`);
  refused(() => parseBind('/a:/', ''), 'invalid volume specification: \'/a:/\': invalid mount config for type "bind": invalid specification: destination can\'t be \'/\'');
  refused(() => parseBind('x:data', ''), 'invalid volume specification: \'x:data\': invalid mount config for type "volume": invalid mount path: \'data\' mount path must be absolute');
  refused(() => parseBind('/a:/b:nocopy', ''), /field VolumeOptions must not be specified$/);
  refused(() => parseBind('x:/b:rshared', ''), /field BindOptions must not be specified$/);
});

const bind: MountRequest = { Type: 'bind', Source: '/s', Target: '/data' };
const volume: MountRequest = { Type: 'volume', Source: 'v', Target: '/data' };
const tmpfs: MountRequest = { Type: 'tmpfs', Target: '/data' };
const image: MountRequest = { Type: 'image', Source: 'i', Target: '/data' };

test('parseMountRequest() refuses in dockerd\'s words', () => {
  const cases: readonly (readonly [MountRequest, string])[] = [
    [{ Type: 'bind', Target: '/data' }, 'invalid mount config for type "bind": field Source must not be empty'],
    [{ ...bind, Source: 'rel' }, 'invalid mount config for type "bind": invalid mount path: \'rel\' mount path must be absolute'],
    [{ Type: 'bind', Source: '/s' }, 'invalid mount config for type "bind": field Target must not be empty'],
    [{ ...bind, Target: '/' }, 'invalid mount config for type "bind": invalid specification: destination can\'t be \'/\''],
    [{ ...bind, Type: 'npipe' }, 'invalid mount config for type "npipe": mount type unknown'],
    [{ ...bind, Type: 'toString' }, 'invalid mount config for type "toString": mount type unknown'],
    [{ ...bind, BindOptions: { Propagation: 'bogus' } }, 'invalid mount config for type "bind": invalid propagation mode: bogus'],
    [{ ...bind, VolumeOptions: {} }, 'VolumeOptions must not be specified on mount type "bind"'],
    [{ ...bind, ImageOptions: {} }, 'invalid mount config for type "bind": field ImageOptions must not be specified'],
    [{ ...bind, BindOptions: { ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true } }, 'invalid mount config for type "bind": mount options conflict: ReadOnlyNonRecursive && ReadOnlyForceRecursive'],
    [{ Type: 'volume', Target: '/data', ReadOnly: true }, 'invalid mount config for type "volume": must not set ReadOnly mode when using anonymous volumes'],
    [{ ...volume, VolumeOptions: { Subpath: '../x' } }, 'invalid mount config for type "volume": subpath must be a relative path within the volume'],
    [{ ...volume, VolumeOptions: { Subpath: '/x' } }, 'invalid mount config for type "volume": subpath must be a relative path within the volume'],
    [{ Type: 'volume', Target: '/data', VolumeOptions: { Subpath: 'x' } }, 'invalid mount config for type "volume": must not set Subpath when using anonymous volumes'],
    [{ ...volume, BindOptions: {} }, 'BindOptions must not be specified on mount type "volume"'],
    [{ ...tmpfs, Source: 'x' }, 'invalid mount config for type "tmpfs": field Source must not be specified'],
    [{ ...tmpfs, TmpfsOptions: { Options: [['uid', '12']] } }, 'invalid mount config for type "tmpfs": invalid option: uid'],
    [{ ...tmpfs, TmpfsOptions: { Options: [['exec', 'a', 'b']] } }, 'invalid mount config for type "tmpfs": invalid option array length'],
    [{ Type: 'image', Target: '/data' }, 'invalid mount config for type "image": field Source must not be empty'],
    [{ ...image, ImageOptions: { Subpath: 'a/../../x' } }, 'invalid mount config for type "image": subpath must be a relative path within the volume'],
    [{ ...tmpfs, Chown: true }, 'invalid mount config for type "tmpfs": field Chown must not be specified'],
  ];
  for (const [request, message] of cases) refused(() => parseMountRequest(request), message);
});

test('bindMount() says a mount point in the words of the OCI', () => {
  const options = (request: MountRequest): string => bindMount(parseMountRequest(request).point, '/p').options!.join(',');
  assert.equal(options(bind), 'rbind,rprivate');
  assert.equal(options({ ...bind, ReadOnly: true }), 'rbind,rro,rprivate');
  assert.equal(options({ ...bind, ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true, NonRecursive: true, Propagation: 'rslave' } }), 'bind,ro,rslave');
  assert.equal(options({ ...volume, ReadOnly: true }), 'rbind,rro,rprivate');
  assert.equal(options({ ...tmpfs, ReadOnly: true, TmpfsOptions: { SizeBytes: 1024, Mode: 0o1770, Options: [['exec']] } }), 'noexec,nosuid,nodev,ro,mode=1770,size=1024,exec,ro');
  assert.equal(options(image), 'rbind,rro,rprivate');
});

test('a mount on the kernel\'s word is refused, the single files of lxcfs are not', () => {
  for (const place of ['/proc', '/proc/x', '/proc/sys', '/proc/self/fd/1']) refused(() => refuseKernelPlaces(place), /^Cannot mount anything on/);
  for (const place of ['/proc/cpuinfo', '/proc2', '/sys', '/dev/shm']) refuseKernelPlaces(place);
});

test('parseMode() takes one word of a kind; parseIdMaps() takes ranges of ids', () => {
  assert.equal(parseMode('ro,z,rslave,cached')?.rw, false);
  assert.equal(parseMode('U,O')?.chown, true);
  assert.equal(parseMode('ro,rw'), undefined);
  assert.deepEqual(parseIdMaps('uids=0-1000-1#1-2000-5').gidMappings, [{ containerID: 0, hostID: 1000, size: 1 }, { containerID: 1, hostID: 2000, size: 5 }]);
  for (const text of ['', 'x', 'uids=', 'uids=1-2', 'uids=0-0-0', 'uids=0-0-4294967296', 'uids=0-1-1;x=1', 'uids=-1-2-3']) refused(() => parseIdMaps(text), /^invalid map of ids/);
});

test('parseTmpfs() refuses a place that is none and options that are none', () => {
  refused(() => parseTmpfs({ Tmpfs: { x: '' } }), /must be absolute/);
  refused(() => parseTmpfs({ Tmpfs: { '/': '' } }), /can't be '\/'/);
  refused(() => parseTmpfs({ Tmpfs: { '/t': 'bogus' } }), 'invalid tmpfs option "bogus"');
  assert.deepEqual(parseTmpfs({ Tmpfs: { '/t/': 'size=1m,exec' } })[0]?.options, ['noexec', 'nosuid', 'nodev', 'size=1m', 'exec']);
});

test('byDepth() puts the shallow first and keeps the order of the rest', () => {
  assert.deepEqual(byDepth(['/a/b', '/c', '/a', '/a/b/c', '/b'].map((destination) => ({ destination }))).map(({ destination }) => destination), ['/c', '/a', '/b', '/a/b', '/a/b/c']);
});

test('mountHolding() finds the last of the longest mounts, and how they spread', () => {
  const mounts = parseMountinfo('1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n2 1 8:1 / /srv/a\\040b rw master:3 - ext4 /dev/b rw\n3 1 8:1 / /srv rw - ext4 /dev/b rw\n');
  assert.deepEqual(mountHolding('/srv/a b/c', mounts), { point: '/srv/a b', isShared: false, isSlave: true });
  assert.deepEqual(mountHolding('/srvx', mounts), { point: '/', isShared: true, isSlave: false });
  assert.equal(mountHolding('/srv/a', mounts).isShared, false);
});
