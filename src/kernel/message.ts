// Sending a descriptor to another process: sendmsg(2) with SCM_RIGHTS. Source: unix(7), cmsg(3); struct msghdr is 56 bytes on 64-bit Linux.
import { call, tryCall } from './call.ts';
import { KernelError } from './error.ts';
import { Fd, fdNumber } from './fd.ts';
import { addressOf } from './ffi.ts';
import type { Argument, Struct } from './program.ts';

export const CMSG_RIGHTS_BYTES = 24;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** The message of a program: one byte, and the descriptor whose number stands in `descriptor` (a slot) when it is sent. */
export function rightsMessage(descriptor: Argument): Struct {
  const control = new Uint8Array(CMSG_RIGHTS_BYTES);
  const controlView = new DataView(control.buffer);
  controlView.setBigUint64(0, 20n, true);
  controlView.setUint32(8, SOL_SOCKET, true);
  controlView.setUint32(12, SCM_RIGHTS, true);
  const vector = new Uint8Array(16);
  new DataView(vector.buffer).setBigUint64(8, 1n, true);
  const header = new Uint8Array(56);
  const view = new DataView(header.buffer);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(40, BigInt(CMSG_RIGHTS_BYTES), true);
  return { struct: header, pointers: { 16: { struct: vector, pointers: { 0: new Uint8Array(1) } }, 32: { struct: control, pointers: { 16: descriptor } } } };
}

/** Two connected sockets, close-on-exec. */
export function socketPair(): [Fd, Fd] {
  const pair = new Int32Array(2);
  call('socketpair', AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer));
  return [new Fd(pair[0]!), new Fd(pair[1]!)];
}

/** Takes the descriptor out of the message that waits on `socket`; undefined when none waits. */
export function receiveFd(socket: number | Fd): Fd | undefined {
  const { base, view } = messageMemory(1);
  if (tryCall('recvmsg', fdNumber(socket), base, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) return undefined;
  return view.getUint32(136, true) === SOL_SOCKET && view.getUint32(140, true) === SCM_RIGHTS ? new Fd(view.getInt32(144, true)) : undefined;
}

const pathBytesMax = 107;

/** A stream connected to the unix socket at `path`. @throws KernelError */
export function connectUnix(path: string): Fd {
  return socketAt(path, 'connect', SOCK_CLOEXEC);
}

/** A new unix socket at `path`, which others connect to. @throws KernelError EADDRINUSE when something is there */
export function listenUnix(path: string): Fd {
  using undo = new DisposableStack();
  const socket = undo.use(socketAt(path, 'bind', SOCK_CLOEXEC | SOCK_NONBLOCK));
  call('listen', socket.number, 1);
  undo.move();
  return socket;
}

/** The next who has connected; undefined when nobody has. */
export function acceptUnix(listener: Fd): Fd | undefined {
  const number = tryCall('accept4', listener.number, 0, 0, SOCK_CLOEXEC);
  return number < 0 ? undefined : new Fd(number);
}

function socketAt(path: string, what: 'connect' | 'bind', flags: number): Fd {
  if (Buffer.byteLength(path) > pathBytesMax) throw new KernelError(what, JSON.stringify(path), 36);
  using undo = new DisposableStack();
  const socket = undo.use(new Fd(call('socket', AF_UNIX, SOCK_STREAM | flags, 0)));
  const address = Buffer.alloc(2 + pathBytesMax + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  call(what, socket.number, address, 2 + Buffer.byteLength(path) + 1);
  undo.move();
  return socket;
}

/** Sends `text` and with it a copy of `descriptor`. @throws KernelError */
export function sendFd(socket: Fd, descriptor: Fd, text: string): void {
  const payload = Buffer.from(text);
  const { memory, base, view } = messageMemory(payload.length);
  view.setBigUint64(128, 20n, true);
  view.setUint32(136, SOL_SOCKET, true);
  view.setUint32(140, SCM_RIGHTS, true);
  view.setInt32(144, descriptor.number, true);
  new Uint8Array(memory).set(payload, payloadAt);
  call('sendmsg', socket.number, base, 0);
}

const payloadAt = 256;

/** A message's header at 0, its vector at 64, its control part at 128, room for its payload. Read by address, and small arrays may live inside V8's heap: a backing store of its own. */
function messageMemory(payloadBytes: number): { readonly memory: ArrayBuffer; readonly base: number; readonly view: DataView } {
  const memory = new ArrayBuffer(4096 + payloadBytes);
  const base = addressOf(new Uint8Array(memory));
  const view = new DataView(memory);
  view.setBigUint64(16, BigInt(base + 64), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(base + 128), true);
  view.setBigUint64(40, BigInt(CMSG_RIGHTS_BYTES), true);
  view.setBigUint64(64, BigInt(base + payloadAt), true);
  view.setBigUint64(72, BigInt(payloadBytes), true);
  return { memory, base, view };
}
