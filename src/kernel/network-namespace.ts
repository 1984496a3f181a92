// A moment in another network namespace. What is made there (a socket, a netlink socket) belongs to it for as long as it lives, and can be used from here.
// Source: network_namespaces(7), setns(2): only this thread goes there.
import { call } from './call.ts';
import { CLONE } from './clone.ts';
import { Fd, O } from './fd.ts';
import { loopback } from './loopback.ts';

/** Runs `body` with this thread in `namespace`. It must not wait: nothing else of this process runs meanwhile. @throws KernelError, and what body throws */
export function inNetwork<T>(namespace: Fd, body: () => T): T {
  using own = Fd.open('/proc/thread-self/ns/net', O.RDONLY);
  call('setns', namespace.number, CLONE.NEWNET);
  try {
    return body();
  } finally {
    call('setns', own.number, CLONE.NEWNET);
  }
}

/** A new one with nothing in it but its loopback interface, up; the caller closes it. `body` runs in it, as in `inNetwork`. @throws KernelError, and what body throws */
export function newNetwork(body: () => void = () => undefined): Fd {
  using own = Fd.open('/proc/thread-self/ns/net', O.RDONLY);
  call('unshare', CLONE.NEWNET);
  try {
    using socket = new Fd(call('socket', loopback.AF_INET, loopback.SOCK_DGRAM_CLOEXEC, 0));
    call('ioctl', socket.number, loopback.SIOCSIFFLAGS, loopback.up);
    body();
    return Fd.open('/proc/thread-self/ns/net', O.RDONLY);
  } finally {
    call('setns', own.number, CLONE.NEWNET);
  }
}
