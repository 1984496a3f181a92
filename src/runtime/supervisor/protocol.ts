// What the daemon and the supervisor say to each other, on a unix socket that only root can reach. The whole protocol is in this file.
//
// A frame: u32 length of the JSON, u32 length of the binary part (little endian), then both. The daemon asks, the supervisor answers with the same
// `seq`; exits come unasked. Descriptors are never sent: the supervisor names their numbers and the daemon copies them with pidfd_getfd.
//
// A *task* is one process that the supervisor started and reaps: a container's first process or an exec's. Its name is the container's or exec's id.
// One daemon is connected at a time: a new connection replaces the old one.

/** Raised when an older partner would misunderstand. */
export const protocolVersion = 5;

const headerBytes = 8;
/** A launch carries a program (tens of kilobytes; arguments and environment may take megabytes). */
export const frameBytesMax = 32 * 1024 * 1024;

export interface LaunchRequest {
  readonly ask: 'launch';
  readonly seq: number;
  readonly task: string;
  readonly terminal: boolean;
  /** A pipe for stdin; otherwise it is /dev/null. */
  readonly stdin: boolean;
  /** For an exec: the task of the container's first process, whose pidfd fills the slot `init`. */
  readonly within?: string | undefined;
  /** Files that output goes to while no daemon is there; absent: it is thrown away then. */
  readonly spool?: { readonly stdout: string; readonly stderr: string } | undefined;
  /** What is launched is another runtime's program: it makes the process, writes its pid into a file, and ends. */
  readonly external?: ExternalLaunch | undefined;
  /** Descriptors of the asking daemon that fill slots of the image: mounts that it holds. */
  readonly lent?: { readonly lender: number; readonly slots: readonly (readonly [name: string, fd: number])[] } | undefined;
  readonly image: { readonly bytes: number; readonly spaceBytes: number; readonly opCount: number; readonly slots: readonly (readonly [string, number])[]; readonly spaces: readonly (readonly [string, number])[] };
}

export interface ExternalLaunch {
  /** Absolute. */
  readonly pidFile: string;
  /** Where the terminal's outer end is sent to: a name in this directory, in which the program is started. */
  readonly directory: string;
  readonly consoleSocket: string;
}

export type Request =
  | LaunchRequest
  /** Sets a new network namespace aside for a task that will be launched: its launch takes it, its release gives it back. */
  | { readonly ask: 'network'; readonly seq: number; readonly task: string }
  /** Closes the supervisor's copy of a task's stdin, so that closing the daemon's ends the stream. */
  | { readonly ask: 'closeStdin'; readonly seq: number; readonly task: string }
  /** The daemon has written down the exit (or will never): everything held for the task is closed. */
  | { readonly ask: 'release'; readonly seq: number; readonly task: string }
  /** Takes over a task whose supervisor died: the asking daemon lends its copies. */
  | { readonly ask: 'adopt'; readonly seq: number; readonly task: string; readonly lender: number; readonly pid: number; readonly fds: TaskFds; readonly terminal: boolean; readonly spool?: LaunchRequest['spool'] }
  /** Ends the supervisor; refused while tasks run. */
  | { readonly ask: 'shutdown'; readonly seq: number };

/** Numbers in the owner's table. With a terminal `stdout` is its master, and stdin the same. */
export interface TaskFds {
  readonly pidfd: number;
  readonly stdin?: number | undefined;
  readonly stdout?: number | undefined;
  readonly stderr?: number | undefined;
  /** The network namespace that was made for it. Wherever its processes go, that is the one which its endpoints are in. */
  readonly network?: number | undefined;
}

export interface TaskExit {
  readonly code: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface TaskReport {
  readonly task: string;
  readonly pid: number;
  readonly terminal: boolean;
  readonly fds: TaskFds;
  readonly exit?: TaskExit | undefined;
}

export type Reply =
  /** The first frame of a connection. */
  | { readonly hello: { readonly version: number; readonly pid: number; readonly tasks: readonly TaskReport[] } }
  | { readonly exit: TaskExit & { readonly task: string } }
  | { readonly seq: number; readonly launched: TaskReport }
  | { readonly seq: number; readonly failed: { readonly index: number; readonly errno: number; readonly results: readonly number[] } }
  /** The other runtime's program ended with this code, and there is no process. */
  | { readonly seq: number; readonly declined: number }
  /** A descriptor of the namespace that was set aside. */
  | { readonly seq: number; readonly network: number }
  | { readonly seq: number; readonly done: true }
  /** The task that it should have been launched within has ended. */
  | { readonly seq: number; readonly ended: string }
  | { readonly seq: number; readonly refused: string };

export function encodeFrame(message: Request | Reply, binary: readonly Uint8Array[] = []): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const binaryBytes = binary.reduce((sum, part) => sum + part.length, 0);
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32LE(json.length, 0);
  header.writeUInt32LE(binaryBytes, 4);
  return Buffer.concat([header, json, ...binary]);
}

/** Puts frames together from the pieces in which a socket delivers them. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** Each whole frame that `chunk` completes. @throws Error for a frame over the limit. */
  *push(chunk: Buffer): Generator<{ readonly message: unknown; readonly binary: Buffer }> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= headerBytes) {
      const jsonBytes = this.#pending.readUInt32LE(0);
      const binaryBytes = this.#pending.readUInt32LE(4);
      const end = headerBytes + jsonBytes + binaryBytes;
      if (end > frameBytesMax) throw new Error(`A frame of ${end} bytes is over the limit of ${frameBytesMax}`);
      if (this.#pending.length < end) return;
      const message: unknown = JSON.parse(this.#pending.toString('utf8', headerBytes, headerBytes + jsonBytes));
      const binary = this.#pending.subarray(headerBytes + jsonBytes, end);
      this.#pending = this.#pending.subarray(end);
      yield { message, binary };
    }
  }
}
