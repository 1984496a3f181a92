// Answers that need nobody else: names of containers, and whose address this is.
import { randomInt } from 'node:crypto';
import type { ContainerId } from '../../base/index.ts';
import { formatAddress, parseAddress } from '../../kernel/index.ts';
import type { Directory } from './directory.ts';
import { encodeAnswer, encodeName, RCODE, TYPE, type OwnRecord, type Query } from './message.ts';

/** A container that is started again has another address soon: nobody should hold on to the old one for long. */
const ttlSeconds = 5;

/** Undefined: nothing is known of that name here. A name that we know has an answer for every type, if only that there is nothing of it. */
export function answerOwn(directory: Directory, asker: ContainerId, query: Query): Buffer | undefined {
  const address = addressIn(query.name);
  const records = address === undefined ? addressRecords(directory, asker, query) : nameRecords(directory, asker, query, address);
  return records && encodeAnswer(query, RCODE.ok, records);
}

function addressRecords(directory: Directory, asker: ContainerId, { name, type }: Query): readonly OwnRecord[] | undefined {
  const found = directory.find(asker, name);
  if (found === undefined) return undefined;
  const of = (wanted: number, addresses: readonly string[]): readonly OwnRecord[] => (type === wanted || type === TYPE.ANY ? addresses.map((address) => ({ type: wanted, ttlSeconds, data: parseAddress(address).bytes })) : []);
  return turned([...of(TYPE.A, found.ipv4), ...of(TYPE.AAAA, found.ipv6)]);
}

function nameRecords(directory: Directory, asker: ContainerId, { type }: Query, address: string): readonly OwnRecord[] | undefined {
  const names = directory.nameOf(asker, address);
  // A container's name may be longer than DNS allows; its short id never is.
  const data = names.map(encodeName).find((encoded) => encoded !== undefined);
  if (data === undefined) return undefined;
  return type === TYPE.PTR || type === TYPE.ANY ? [{ type: TYPE.PTR, ttlSeconds, data }] : [];
}

/** Begun somewhere else each time: clients take the first, and so all are asked. */
function turned<T>(all: readonly T[]): readonly T[] {
  if (all.length < 2) return all;
  const at = randomInt(all.length);
  return [...all.slice(at), ...all.slice(0, at)];
}

/** Of `2.0.18.172.in-addr.arpa` and of the 32 digits under `ip6.arpa`. */
function addressIn(name: string): string | undefined {
  const four = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\.in-addr\.arpa$/.exec(name)?.[1];
  if (four !== undefined) return four.split('.').every((byte) => Number(byte) < 256) ? four.split('.').reverse().map(Number).join('.') : undefined;
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  return six === undefined ? undefined : formatAddress(Buffer.from(six.replaceAll('.', '').split('').reverse().join(''), 'hex'));
}
