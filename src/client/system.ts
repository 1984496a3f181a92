// The engine itself: version and info.
import type { SystemInfo, VersionInfo } from '../spec/docker/system.ts';
import type { Docker } from './docker.ts';

export function version(docker: Docker): Promise<VersionInfo> {
  return docker.json('GET', '/version');
}

export function info(docker: Docker): Promise<SystemInfo> {
  return docker.json('GET', '/info');
}
