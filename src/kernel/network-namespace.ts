// A moment in another network namespace. What is made there (a socket, a netlink socket) belongs to it for as long as it lives, and can be used from here.
// Source: network_namespaces(7), setns(2): only this thread goes there.
import { call } from './call.ts';
import { CLONE } from './clone.ts';
import { Fd, O } from './fd.ts';

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
