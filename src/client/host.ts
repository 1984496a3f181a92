// Where a daemon listens: `unix:///path` or `tcp://host:port`. TCP only on loopback: the Engine API is root on the machine, and without
// TLS it must not cross a network.
import { fail } from '../base/index.ts';

export type Host =
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }
  | { readonly kind: 'tcp'; readonly hostname: string; readonly port: number; readonly text: string };

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** @throws `invalid` or `unsupported` when `text` is not a host that the client can reach. */
export function parseHost(text: string): Host {
  if (text.startsWith('unix://')) return { kind: 'unix', path: text.slice(7) || '/var/run/docker.sock', text };
  if (text.startsWith('/')) return { kind: 'unix', path: text, text: `unix://${text}` };
  if (text.startsWith('ssh://')) throw fail('unsupported', `Refusing ${text}: hosts over SSH are not there yet`, { hint: 'Use unix:// or tcp://127.0.0.1:port' });
  const tcp = /^tcp:\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?\/?$/.exec(text);
  if (tcp === null) {
    throw fail('invalid', `Unable to parse docker host ${JSON.stringify(text)}`, { hint: 'A host is unix:///path/of/socket or tcp://127.0.0.1:port' });
  }
  const hostname = tcp[1] || 'localhost';
  if (!loopback.test(hostname)) {
    throw fail('unsupported', `Refusing ${text}: TLS is not there yet, and the API without TLS must stay on this machine`, { hint: 'Use unix:// or tcp://127.0.0.1:port' });
  }
  return { kind: 'tcp', hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(tcp[2] ?? 2375), text };
}
