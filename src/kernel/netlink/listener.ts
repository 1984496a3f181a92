// What the kernel tells of changes that others made: a netlink socket that asks nothing and belongs to a multicast group.
// Source: netlink(7), NETLINK_ADD_MEMBERSHIP.
import { call, tryCall } from '../call.ts';
import { KernelError } from '../error.ts';
import { Fd } from '../fd.ts';
import { align } from './attributes.ts';
import type { Reply } from './socket.ts';

const AF_NETLINK = 16;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const [SOL_SOCKET, SO_RCVBUFFORCE] = [1, 33];
const [EAGAIN, ENOBUFS, EINTR] = [11, 105, 4];
const headerBytes = 16;
const receiveBytes = 4 * 1024 * 1024;
const datagramsPerTurn = 256;
const buffer = Buffer.alloc(64 * 1024);

export interface Told extends Reply {
  /** The port of the socket by which it was done (`Netlink.port`); 0: the kernel itself. */
  readonly sender: number;
}

export class NetlinkListener implements Disposable {
  readonly socket: Fd;

  constructor(protocol: number, group: number) {
    using undo = new DisposableStack();
    this.socket = undo.use(new Fd(call('socket', AF_NETLINK, SOCK_RAW_NONBLOCK_CLOEXEC, protocol)));
    // A number of its own (struct sockaddr_nl, 0: the kernel's choice). Without one it is passed over: 0 means "nobody" to whoever tells it.
    call('bind', this.socket.number, Buffer.from([AF_NETLINK, ...new Uint8Array(11)]), 12);
    for (const [level, option, value] of [[SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes], [SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group]] as const) call('setsockopt', this.socket.number, level, option, new Uint8Array(Uint32Array.of(value).buffer), 4);
    undo.move();
  }

  /** What was told since the last time. `hasMissed`: so much that the kernel threw some away. */
  read(): { readonly replies: readonly Told[]; readonly hasMissed: boolean } {
    const replies: Told[] = [];
    let hasMissed = false;
    for (let count = 0; count < datagramsPerTurn; count++) {
      const length = tryCall('recvfrom', this.socket.number, buffer, buffer.length, 0, 0, 0);
      if (length === -EAGAIN) break;
      if (length === -ENOBUFS) hasMissed = true;
      else if (length < 0 && length !== -EINTR) throw new KernelError('recvfrom', '', -length);
      for (let at = 0; at + headerBytes <= length;) {
        const end = at + buffer.readUInt32LE(at);
        replies.push({ type: buffer.readUInt16LE(at + 4), flags: buffer.readUInt16LE(at + 6), sender: buffer.readUInt32LE(at + 12), body: Buffer.from(buffer.subarray(at + headerBytes, end)) });
        at = align(end);
      }
    }
    return { replies, hasMissed };
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }
}
