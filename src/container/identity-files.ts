// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container: files of its own directory, shown inside by bind mounts.
import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fail } from '../base/index.ts';
import type { ContainerConfig, HostConfig } from '../spec/docker/container.ts';
import { identityFiles } from './oci/mounts.ts';

/** Written once, when the container is made; what the container writes into them stays. */
export function writeIdentityFiles(dir: string, config: ContainerConfig, hostConfig: HostConfig): void {
  const isHostNetwork = hostConfig.NetworkMode === 'host';
  write(`${dir}/${identityFiles.hostname}`, `${config.Hostname}\n`);
  write(`${dir}/${identityFiles.hosts}`, `${isHostNetwork ? readOr('/etc/hosts', loopbackHosts) : loopbackHosts}${(hostConfig.ExtraHosts ?? []).map(hostLine).join('')}`);
  write(`${dir}/${identityFiles.resolvConf}`, isHostNetwork ? readOr('/etc/resolv.conf', '') : '');
}

const loopbackHosts = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::\tip6-localnet', 'ff00::\tip6-mcastprefix', 'ff02::1\tip6-allnodes', 'ff02::2\tip6-allrouters', ''].join('\n');

/** `name:address`, as --add-host takes it; an IPv6 address may stand in brackets. */
function hostLine(entry: string): string {
  const [name, ...address] = entry.split(':');
  return `${address.join(':').replace(/^\[(.*)\]$/, '$1')}\t${name}\n`;
}

/** @throws `invalid` with Docker's text. */
export function checkExtraHosts(entries: readonly string[]): void {
  for (const entry of entries) {
    const address = entry.slice(entry.indexOf(':') + 1);
    if (!entry.includes(':') || entry.startsWith(':') || address === '') throw fail('invalid', `bad format for add-host: "${entry}"`);
    if (address === 'host-gateway') throw fail('unsupported', 'The address "host-gateway" is not supported yet', { hint: 'Networks come later: name an address' });
    if (isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0) throw fail('invalid', `invalid IP address in add-host: "${address}"`);
  }
}

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
