// Where a daemon listens: `unix:///path` or `tcp://host:port`. TCP without TLS only on loopback: the Engine API is root on the machine, and must not
// cross a network for everybody to read and change.
import { fail } from '../base/index.ts';

export type Host =
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }
  | { readonly kind: 'tcp'; readonly hostname: string; readonly port: number; readonly text: string; readonly tls: TlsSettings | undefined };

/** PEM texts. */
export interface TlsSettings {
  /** Who signs daemons that are believed; undefined: those that Node knows. */
  readonly ca: Uint8Array | undefined;
  /** Who we are. */
  readonly cert: Uint8Array | undefined;
  readonly key: Uint8Array | undefined;
  /** Without, anybody may answer in the daemon's place. */
  readonly isVerified: boolean;
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** `tls` is of no account for a socket's path. @throws `invalid` or `unsupported` when `text` is not a host that the client can reach. */
export function parseHost(text: string, tls?: TlsSettings): Host {
  if (text.startsWith('unix://')) return { kind: 'unix', path: text.slice(7) || '/var/run/docker.sock', text };
  if (text.startsWith('/')) return { kind: 'unix', path: text, text: `unix://${text}` };
  if (text.startsWith('ssh://')) throw fail('unsupported', `Refusing ${text}: hosts over SSH are not there yet`, { hint: 'Use unix:// or tcp://127.0.0.1:port' });
  const tcp = /^tcp:\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?\/?$/.exec(text);
  if (tcp === null) {
    throw fail('invalid', `Unable to parse docker host ${JSON.stringify(text)}`, { hint: 'A host is unix:///path/of/socket or tcp://127.0.0.1:port, with TLS tcp://any.host:port' });
  }
  const hostname = tcp[1] || 'localhost';
  if (tls === undefined && !loopback.test(hostname)) {
    throw fail('unsupported', `Refusing ${text}: without TLS the API must stay on this machine, for who reads or changes it is root there`, { hint: 'Use --tlsverify with the keys of the daemon, or a context with ca=, cert= and key=' });
  }
  return { kind: 'tcp', hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(tcp[2] ?? (tls === undefined ? 2375 : 2376)), text, tls };
}
