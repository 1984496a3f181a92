// The engine itself: version, info, what it takes on the disk.
import type { SystemInfo, VersionInfo } from '../spec/docker/system.ts';
import type { DiskUsage } from '../spec/docker/disk-usage.ts';
import type { Docker } from './docker.ts';

export function version(docker: Docker): Promise<VersionInfo> {
  return docker.json('GET', '/version');
}

export function info(docker: Docker): Promise<SystemInfo> {
  return docker.json('GET', '/info');
}

export function diskUsage(docker: Docker): Promise<DiskUsage> {
  return docker.json('GET', '/system/df');
}
