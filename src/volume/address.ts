// The server of a network file system: mount(2) takes addresses only, so a name is looked up here, where mount.nfs(8) and mount.cifs(8) would do it.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Backing } from './options.ts';

const network: readonly string[] = ['nfs', 'nfs4', 'cifs', 'smb3'];

export function isNetworkFileSystem(type: string): boolean {
  return network.includes(type);
}

/** The options with an address in `addr=`; of cifs without that, the server of `//server/share`. @throws what `failure` makes of dockerd's words */
export async function withResolvedAddress({ type, device, options }: Extract<Backing, { kind: 'mount' }>, failure: (message: string) => Error): Promise<readonly string[]> {
  if (!isNetworkFileSystem(type)) return options;
  const asked = options.find((option) => option.startsWith('addr='))?.slice('addr='.length);
  const server = asked ?? (type.startsWith('nfs') ? undefined : /^\/\/([^/]+)\//.exec(device)?.[1]);
  if (server === undefined || server === '' || isIP(server) !== 0) return options;
  const address = await lookup(server).catch((error: unknown) => { throw failure(`error resolving passed in network volume address: lookup ${server}: ${reasonOf(error)}`); });
  return [...options.filter((option) => !option.startsWith('addr=')), `addr=${address.address}`];
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ENOTFOUND' ? 'no such host' : 'the name cannot be looked up now';
}
