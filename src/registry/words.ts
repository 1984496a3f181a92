// The administrator's words about registries, from flags and environment, as settings: `--registry-mirror [REGISTRY=]URL`, `--insecure-registry HOST|CIDR`,
// `--registry HOST`.
import { fail } from '../base/index.ts';
import { isBlock } from './addresses.ts';
import type { RegistrySettings } from './settings.ts';

export interface RegistryWords {
  readonly mirrors: readonly string[];
  readonly insecure: readonly string[];
  readonly defaultRegistry: string | undefined;
}

/** Where a word is not given, the environment has it: ESTIVA_REGISTRY, ESTIVA_REGISTRY_MIRRORS and ESTIVA_INSECURE_REGISTRIES, lists with commas. @throws `invalid` naming the word */
export function registrySettings(words: RegistryWords, environment: Readonly<Record<string, string | undefined>>): Pick<RegistrySettings, 'mirrors' | 'insecure' | 'defaultRegistry'> {
  const listed = (given: readonly string[], name: string): readonly string[] => (given.length > 0 ? given : (environment[name] ?? '').split(',').map((word) => word.trim()).filter((word) => word !== ''));
  const defaultRegistry = words.defaultRegistry || environment['ESTIVA_REGISTRY'] || undefined;
  if (defaultRegistry !== undefined && !isHost(defaultRegistry)) throw fail('invalid', `invalid registry: ${JSON.stringify(defaultRegistry)} is no host`, { hint: 'Give host or host:port' });
  return {
    mirrors: mirrorsOf(listed(words.mirrors, 'ESTIVA_REGISTRY_MIRRORS'), defaultRegistry ?? 'docker.io'),
    insecure: new Set(listed(words.insecure, 'ESTIVA_INSECURE_REGISTRIES').map(insecureOf)),
    defaultRegistry,
  };
}

function mirrorsOf(words: readonly string[], defaultRegistry: string): ReadonlyMap<string, readonly URL[]> {
  const mirrors = new Map<string, URL[]>();
  for (const word of words) {
    const [, registry = defaultRegistry, text = ''] = /^(?:([^=/?#]+)=)?(.*)$/s.exec(word) ?? [];
    const url = mirrorOf(text);
    mirrors.set(registry.toLowerCase(), [...mirrors.get(registry.toLowerCase()) ?? [], url]);
  }
  return mirrors;
}

function mirrorOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw fail('invalid', `invalid mirror: ${JSON.stringify(text)} is no address with http:// or https://`);
  if (url.username !== '' || url.password !== '') throw fail('invalid', `invalid mirror: user and password cannot stand in its address`, { hint: 'Mirrors are asked without credentials' });
  if (url.search !== '' || url.hash !== '') throw fail('invalid', `invalid mirror: ${JSON.stringify(text)} has more than an address and a path`);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function insecureOf(word: string): string {
  const host = word.toLowerCase();
  if (!isBlock(host) && !isHost(host)) throw fail('invalid', `insecure registry ${JSON.stringify(word)} is not valid: invalid host`, { hint: 'Give host, host:port or a CIDR block' });
  return host;
}

function isHost(text: string): boolean {
  return /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.test(text);
}
