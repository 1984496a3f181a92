// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container: files of its own directory, shown inside by bind mounts.
import { readFileSync, writeFileSync } from 'node:fs';
import type { ContainerConfig, HostConfig } from '../spec/docker/container.ts';
import { identityFiles } from './oci/mounts.ts';

/** Written once, when the container is made; what the container writes into them stays. */
export function writeIdentityFiles(dir: string, config: ContainerConfig, hostConfig: HostConfig): void {
  const isHostNetwork = hostConfig.NetworkMode === 'host';
  write(`${dir}/${identityFiles.hostname}`, `${config.Hostname}${config.Domainname === '' ? '' : `.${config.Domainname}`}\n`);
  write(`${dir}/${identityFiles.hosts}`, isHostNetwork ? readOr('/etc/hosts', loopbackHosts) : loopbackHosts);
  write(`${dir}/${identityFiles.resolvConf}`, isHostNetwork ? readOr('/etc/resolv.conf', '') : '');
}

const loopbackHosts = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::\tip6-localnet', 'ff00::\tip6-mcastprefix', 'ff02::1\tip6-allnodes', 'ff02::2\tip6-allrouters', ''].join('\n');

/** Readable by every user of the container, whatever this daemon's umask is. */
function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o644 });
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
