// Registries that the command line speaks to itself, without a daemon: for manifest and image copy, where nothing is to stay here.
import { registrySettings, openRegistries, type Registries, type Repository } from '../../registry/index.ts';
import type { RegistryCredentials } from '../../spec/docker/registry.ts';
import type { Reference } from '../../spec/reference.ts';
import { storedCredentials } from '../credentials/kept.ts';
import { productVersion } from '../product.ts';
import type { Session } from '../session.ts';

/** `insecure`: registries where TLS is not verified, or is not there, besides those of the environment. */
export function registriesOf({ environment }: Session, insecure: readonly string[]): Registries {
  const settings = registrySettings({ mirrors: [], insecure: [], defaultRegistry: undefined }, environment);
  return openRegistries({ ...settings, insecure: new Set([...settings.insecure, ...insecure.map((name) => name.toLowerCase())]), userAgent: `estiva/${productVersion}` });
}

/** With the user's credentials for its registry. */
export async function repositoryOf(registries: Registries, reference: Reference, access: 'pull' | 'push', { config, environment }: Session): Promise<Repository> {
  const registry = reference.domain === 'docker.io' ? environment['ESTIVA_REGISTRY'] || reference.domain : reference.domain;
  const kept = await storedCredentials(config, registry);
  return registries.repository(reference, kept === undefined ? {} : { credentials: credentialsOf(kept) }, access);
}

function credentialsOf({ username, password, identitytoken: identityToken, registrytoken: registryToken, serveraddress: server }: RegistryCredentials): Parameters<Registries['login']>[1] {
  return { username, password, identityToken, registryToken, server };
}
