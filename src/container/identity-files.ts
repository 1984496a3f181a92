// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container: files of its own directory, shown inside by bind mounts.
//
// They are written when the container is made, and for containers with links again at each start: addresses are known only then. While it runs they
// are changed in place, line by line: a mount shows one file, not whatever has its name.
import { createHash } from 'node:crypto';
import { closeSync, constants, fchmodSync, ftruncateSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fail } from '../base/index.ts';
import type { ContainerConfig, HostConfig } from '../spec/docker/container.ts';
import { parseResolvConf, resolvConfFor, type ResolvKind } from './endpoints/resolv-conf.ts';
import { identityFiles } from './oci/mounts.ts';

/** What is written of a container. */
export interface Identity {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** What `host-gateway` means: the host's own addresses in the default network. */
  readonly hostGateways: readonly string[];
  readonly resolv: ResolvKind;
  /** Lines of /etc/hosts for the containers it is linked to and for its own addresses. */
  readonly addresses: readonly string[];
}

export function writeIdentityFiles(dir: string, identity: Identity): void {
  const { config, hostConfig } = identity;
  write(`${dir}/${identityFiles.hostname}`, `${config.Hostname}\n`);
  const base = hostConfig.NetworkMode === 'host' ? readOr('/etc/hosts', loopbackHosts) : loopbackHosts;
  const extra = (hostConfig.ExtraHosts ?? []).flatMap((entry) => hostLines(entry, identity.hostGateways));
  write(`${dir}/${identityFiles.hosts}`, base + [...extra, ...identity.addresses].map((line) => `${line}\n`).join(''));
  putResolvConf(dir, identity);
}

/** While it runs: only as long as nobody else has written into it. */
export function changeResolvConf(dir: string, identity: Pick<Identity, 'hostConfig' | 'resolv'>): void {
  const file = `${dir}/${identityFiles.resolvConf}`;
  if (readOr(`${file}.hash`, '') === hashOf(readOr(file, ''))) putResolvConf(dir, identity);
}

function putResolvConf(dir: string, { hostConfig, resolv }: Pick<Identity, 'hostConfig' | 'resolv'>): void {
  const file = `${dir}/${identityFiles.resolvConf}`;
  const asked = { servers: hostConfig.Dns, search: hostConfig.DnsSearch, options: hostConfig.DnsOptions };
  const text = resolvConfFor(resolv, parseResolvConf(hostResolvConf()), asked);
  write(file, text);
  write(`${file}.hash`, hashOf(text));
}

/** Lines that come and go while the container runs. What comes stands where the first went from, else at the end. */
export function changeHosts(dir: string, isGone: (line: string) => boolean, come: readonly string[]): void {
  const file = `${dir}/${identityFiles.hosts}`;
  const lines = readOr(file, '').split('\n').filter((line) => line !== '');
  const first = lines.findIndex(isGone);
  const before = lines.slice(0, first === -1 ? lines.length : first);
  const after = lines.slice(before.length).filter((line) => !isGone(line));
  write(file, [...before, ...come, ...after, ''].join('\n'));
}

const loopbackHosts = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::\tip6-localnet', 'ff00::\tip6-mcastprefix', 'ff02::1\tip6-allnodes', 'ff02::2\tip6-allrouters', ''].join('\n');

/** Where systemd answers names itself, it says in another file whom it asks. */
function hostResolvConf(): string {
  const text = readOr('/etc/resolv.conf', '');
  const { servers } = parseResolvConf(text);
  return servers.length === 1 && servers[0] === '127.0.0.53' ? readOr('/run/systemd/resolve/resolv.conf', text) : text;
}

/** `name:address`, as --add-host takes it; an IPv6 address may stand in brackets. */
function hostLines(entry: string, hostGateways: readonly string[]): readonly string[] {
  const [name, ...rest] = entry.split(':');
  const address = rest.join(':').replace(/^\[(.*)\]$/, '$1');
  return (address === 'host-gateway' ? hostGateways : [address]).map((one) => `${one}\t${name}`);
}

/** @throws `invalid` with Docker's text. */
export function checkExtraHosts(entries: readonly string[]): void {
  for (const entry of entries) {
    const address = entry.slice(entry.indexOf(':') + 1);
    if (!entry.includes(':') || entry.startsWith(':') || address === '') throw fail('invalid', `bad format for add-host: "${entry}"`);
    if (address !== 'host-gateway' && isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0) throw fail('invalid', `invalid IP address in add-host: "${address}"`);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Readable by every user of the container, whatever this daemon's umask is. What is there already stays, what differs is written over. (A file that is cut to nothing first has its blocks given back, and is on its way to the disk before
 * its close is over.)
 */
function write(path: string, text: string): void {
  const bytes = Buffer.from(text);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    const there = Buffer.alloc(bytes.length + 1);
    const length = readSync(fd, there, 0, there.length, 0);
    if (length === bytes.length && bytes.compare(there, 0, length) === 0) return;
    if (length === 0) fchmodSync(fd, 0o644);
    writeFileSync(fd, bytes);
    if (length > bytes.length) ftruncateSync(fd, bytes.length);
  } finally {
    closeSync(fd);
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}
