// What `GET /info` says about registries and proxies, in Docker's shape.
import type { EngineInfo } from '../engine/index.ts';
import type { SystemInfo } from '../spec/docker/system.ts';

type RegistryInfo = Pick<SystemInfo, 'IndexServerAddress' | 'RegistryConfig' | 'HttpProxy' | 'HttpsProxy' | 'NoProxy'>;

const hub = 'docker.io';
const loopback = ['127.0.0.0/8', '::1/128'];

export function toRegistryInfo({ mirrors, insecure, defaultRegistry, proxy }: EngineInfo['registries']): RegistryInfo {
  const blocks = [...insecure].filter((name) => name.includes('/'));
  const hosts = [...insecure].filter((name) => !name.includes('/'));
  const mirrorsOf = (name: string): readonly string[] => (mirrors.get(name) ?? []).map(({ href }) => href);
  const named = new Set([hub, ...hosts, ...mirrors.keys()]);
  const configs = [...named].map((Name) => [Name, { Mirrors: mirrorsOf(Name), Name, Official: Name === hub, Secure: !hosts.includes(Name) }] as const);
  const ofHub = mirrorsOf(hub);
  return {
    IndexServerAddress: defaultRegistry ?? 'https://index.docker.io/v1/',
    RegistryConfig: { IndexConfigs: Object.fromEntries(configs), InsecureRegistryCIDRs: [...blocks, ...loopback], Mirrors: ofHub.length === 0 ? null : ofHub },
    HttpProxy: masked(proxy.http),
    HttpsProxy: masked(proxy.https),
    NoProxy: proxy.none,
  };
}

/** Without the proxy's password, as Docker masks it. */
function masked(proxy: string | undefined): string {
  if (proxy === undefined || !URL.canParse(proxy)) return '';
  const url = new URL(proxy);
  return url.username === '' && url.password === '' ? proxy : `${url.protocol}//xxxxx:xxxxx@${url.host}`;
}
