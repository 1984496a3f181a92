// Readiness: many descriptors, one watch. All are in one epoll set; the event loop watches the set's own descriptor through uv_poll (libuv is
// exported by the node binary), so a thousand containers cost one handle. It keeps the process alive until it is disposed. Level-triggered: whoever is called reads what there is, or stops watching.
// Source: epoll_ctl(2); libuv's uv_poll documentation.
import { dlopen, getCurrentEventLoop } from 'node:ffi';
import { call, tryCall } from './call.ts';
import { Fd, fdNumber } from './fd.ts';
import { mapMemory } from './ffi.ts';

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
const UV_READABLE = 1;
const UV_POLL_HANDLE = 8;
const eventsMax = 64;
/** `struct epoll_event` is packed on x86-64 only. */
const eventBytes = process.arch === 'x64' ? 12 : 16;
const dataOffset = process.arch === 'x64' ? 4 : 8;

export class Readiness implements Disposable {
  readonly #epoll: Fd;
  readonly #watches = new Map<number, (events: number) => void>();
  readonly #events = new Uint8Array(eventsMax * eventBytes);
  readonly #stop: () => void;

  constructor() {
    this.#epoll = new Fd(call('epoll_create1', 0o2000000));
    this.#stop = watchWithLibuv(this.#epoll.number, () => this.#dispatch());
  }

  /** Calls `ready` whenever `fd` is readable (or at its end, or in error) until `unwatch`. The descriptor must stay open meanwhile. */
  watch(fd: number | Fd, ready: (events: number) => void, events = EPOLLIN): void {
    const number = fdNumber(fd);
    const event = new Uint8Array(eventBytes);
    const view = new DataView(event.buffer);
    view.setUint32(0, events, true);
    view.setUint32(dataOffset, number, true);
    call('epoll_ctl', this.#epoll.number, EPOLL_CTL_ADD, number, event);
    this.#watches.set(number, ready);
  }

  /** Idempotent. Call it before the descriptor is closed. */
  unwatch(fd: number | Fd): void {
    const number = fdNumber(fd);
    if (this.#watches.delete(number)) call('epoll_ctl', this.#epoll.number, EPOLL_CTL_DEL, number, 0);
  }

  #dispatch(): void {
    const count = tryCall('epoll_pwait', this.#epoll.number, this.#events, eventsMax, 0, 0, 0);
    const view = new DataView(this.#events.buffer);
    for (let i = 0; i < count; i++) {
      // A handler may unwatch others of the same batch: look again for each.
      this.#watches.get(view.getUint32(i * eventBytes + dataOffset, true))?.(view.getUint32(i * eventBytes, true));
    }
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#watches.clear();
    this.#epoll[Symbol.dispose]();
  }
}

/** Runs `ready` from the event loop while `fd` is readable; returns the way to stop. */
function watchWithLibuv(fd: number, ready: () => void): () => void {
  const { lib, functions: uv } = dlopen(null, {
    uv_handle_size: { arguments: ['i32'], return: 'u64' },
    uv_poll_init: { arguments: ['pointer', 'pointer', 'i32'], return: 'i32' },
    uv_poll_start: { arguments: ['pointer', 'i32', 'pointer'], return: 'i32' },
    uv_poll_stop: { arguments: ['pointer'], return: 'i32' },
    uv_close: { arguments: ['pointer', 'pointer'], return: 'void' },
  });
  const handle = BigInt(mapMemory(Math.max(4096, Number(uv.uv_handle_size(UV_POLL_HANDLE)))).address);
  // A native callback must not throw, and promises that it settles would wait for the next timer: the work is done in the loop's check phase,
  // which follows the poll phase at once.
  let scheduled = false;
  const callback = lib.registerCallback({ arguments: ['pointer', 'i32', 'i32'], return: 'void' }, () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      ready();
    });
  });
  if (uv.uv_poll_init(getCurrentEventLoop(), handle, fd) !== 0 || uv.uv_poll_start(handle, UV_READABLE, callback) !== 0) throw new Error('Cannot watch the epoll set');
  // `lib` is held here for as long as the watch lasts: with the library object the callback's machine code would be collected.
  return () => {
    uv.uv_poll_stop(handle);
    uv.uv_close(handle, 0n);
    lib.unregisterCallback(callback);
  };
}
