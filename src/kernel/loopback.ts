// The loopback interface of a network namespace, which is down when the namespace is new.
// Source: netdevice(7), linux/sockios.h; `struct ifreq` is 40 bytes: 16 of name, then the flags.

/** What socket(2) and ioctl(2) take to bring it up. */
export const loopback = { AF_INET: 2, SOCK_DGRAM_CLOEXEC: 2 | 0o2000000, SIOCSIFFLAGS: 0x8914, up: request() } as const;

function request(): Uint8Array {
  const bytes = Buffer.alloc(40);
  bytes.write('lo');
  const IFF_UP_RUNNING = 0x1 | 0x40;
  bytes.writeUInt16LE(IFF_UP_RUNNING, 16);
  return bytes;
}
