// Proxies that a build was given as arguments; what it does not say is the daemon's own affair.
import type { DownloadRequest } from '../ports.ts';

/** Docker's: there without an ARG. */
export function isProxyVariable(name: string): boolean {
  return /^(https?|ftp|no|all)_proxy$/i.test(name);
}

export function proxyOf(buildArgs: ReadonlyMap<string, string>): DownloadRequest['proxy'] {
  const value = (name: string): string | undefined => buildArgs.get(name.toLowerCase()) ?? buildArgs.get(name);
  const all = { http: value('HTTP_PROXY'), https: value('HTTPS_PROXY'), none: value('NO_PROXY') };
  return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined));
}
