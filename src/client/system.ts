// The engine itself: ping, version, info.
import type { SystemInfo, VersionInfo } from '../spec/docker/system.ts';
import { textOf, type Docker } from './docker.ts';

/** @throws when no daemon answers. */
export async function ping(docker: Docker): Promise<void> {
  await textOf(await docker.call('GET', '/_ping'));
}

export function version(docker: Docker): Promise<VersionInfo> {
  return docker.json('GET', '/version');
}

export function info(docker: Docker): Promise<SystemInfo> {
  return docker.json('GET', '/info');
}
