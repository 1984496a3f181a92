// What a command has around it: the daemon (connected when first needed), the streams, the environment. Tests give their own.
import type { Readable, Writable } from 'node:stream';
import type { Docker } from '../client/index.ts';
import type { ClientConfig } from './config.ts';
import type { TlsFiles } from './context/tls.ts';

export interface Session {
  /** `estiva`: the name that messages begin with. */
  readonly program: string;
  /** The daemon of the command line, the context or the environment. @throws when its context cannot be used */
  readonly docker: Docker;
  readonly config: ClientConfig;
  /** The context in use: `default` when the command line or the environment name a daemon. */
  readonly contextName: () => string;
  /** What the context `default` means. */
  readonly defaultEndpoint: () => { readonly host: string; readonly tls: { readonly files: TlsFiles; readonly isVerified: boolean } | undefined };
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly setRawMode?: (isRaw: boolean) => unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  /** Runs the daemon in this process; resolves when it has ended. */
  readonly runDaemon: (options: DaemonOptions) => Promise<void>;
}

/** What the command line said about the daemon; undefined: the daemon's default. */
export interface DaemonOptions {
  readonly host: string | undefined;
  readonly root: string | undefined;
  readonly run: string | undefined;
  readonly logLevel: string | undefined;
  /** NAME=PATH. */
  readonly addedRuntimes: readonly string[];
  readonly defaultRuntime: string | undefined;
  readonly registries: { readonly mirrors: readonly string[]; readonly insecure: readonly string[]; readonly defaultRegistry: string | undefined };
  readonly imageBudgetBytes: number | undefined;
  /** Layers at once. */
  readonly concurrent: { readonly downloads: number | undefined; readonly uploads: number | undefined };
}

/** Writes one line of result. */
export function say({ stdout }: Session, line: string): void {
  stdout.write(`${line}\n`);
}

/** Writes one line about the run: warnings, progress, failures. */
export function warn({ stderr }: Session, line: string): void {
  stderr.write(`${line}\n`);
}
