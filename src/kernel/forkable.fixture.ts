// What forked children see of their parent's memory, as JSON: a program of its own, because what is hidden stays hidden from every later fork.
import { Arena } from './arena.ts';
import { call } from './call.ts';
import { CLONE, cloneArguments } from './clone.ts';
import { Fd } from './fd.ts';
import { addressOf, mapMemory } from './ffi.ts';
import { hideFromForks, SharedPage } from './forkable.ts';
import { assemble, type Op } from './program.ts';
import { hostArchitecture } from './stub.ts';

const secret = mapMemory(4096);
secret.bytes.set(Buffer.from('secret!!'));
const buffer = Buffer.from('buffered'.repeat(1000));
using page = new SharedPage();
const before = seenByChild(secret.address);
const hidden = seenByChild(secret.address, (arena) => hideFromForks([arena.memory, page.memory]));
const hiddenBuffer = seenByChild(addressOf(buffer), (arena) => hideFromForks([arena.memory]));
const later = mapMemory(4096);
later.bytes.set(Buffer.from('new here'));
// The arena comes from the pool, and was hidden there.
process.stdout.write(JSON.stringify({ before, hidden, hiddenBuffer, own: Buffer.from(secret.bytes.subarray(0, 8)).toString(), later: seenByChild(later.address) }));

/** What a forked child writes of the eight bytes at `address`; undefined when it has no such memory. */
function seenByChild(address: number, prepare: (arena: Arena) => void = () => undefined): string | undefined {
  const [read, write] = Fd.pipe();
  const spaces = { pid: { space: 'pid', sizeBytes: 8 }, pidfd: { space: 'pidfd', sizeBytes: 8 }, stack: { space: 'stack', sizeBytes: 16384 } };
  const image = assemble([
    { call: 'clone3', args: [cloneArguments({ flags: CLONE.PIDFD + CLONE.PARENT_SETTID, pidfd: spaces.pidfd, pid: spaces.pid, stack: spaces.stack, stackBytes: 16384 }), 88], onError: { goto: 'parent' }, onPositive: { goto: 'parent' } },
    { call: 'write', args: [write.number, address, 8], onError: 'ignore' } satisfies Op,
    { call: 'exit_group', args: [0] },
    { call: 'getpid', args: [], label: 'parent' },
  ], hostArchitecture());
  const arena = Arena.load(image);
  prepare(arena);
  arena.run();
  write[Symbol.dispose]();
  using pidfd = new Fd(arena.int32(image.spaces.get('pidfd')!));
  call('waitid', 3, pidfd.number, 0, 4, 0);
  arena[Symbol.dispose]();
  const bytes = new Uint8Array(8);
  const got = call('read', read.number, bytes, bytes.length);
  read[Symbol.dispose]();
  return got === 0 ? undefined : Buffer.from(bytes).toString('latin1');
}
