// What a container cannot have yet. One table: the field of the request, and what to do instead. A field that asks for something is refused
// by name, never ignored; its zero value, which clients send for every field they know, asks for nothing.
import { decode, fail } from '../base/index.ts';

/** Field → why not, and the way out. */
const notYet: Readonly<Record<string, string>> = {
  'HostConfig.Cgroup': 'Use CgroupParent or CgroupnsMode',
  'HostConfig.DeviceRequests': 'GPUs and CDI devices come later: name device files with --device',
  'HostConfig.UsernsMode': 'User namespaces come later',
};

/** Fields where one value besides the zero value asks for nothing either: it names what is anyway. */
const namesWhatIs: Readonly<Record<string, string>> = { 'HostConfig.UsernsMode': 'host' };

/** @throws `unsupported` naming the first field of `body` (a create request's JSON) that asks for what is not there. */
export function refuseWhatIsNotYet(body: unknown): void {
  for (const [path, hint] of Object.entries(notYet)) {
    const value = path.split('.').reduce(decode.fieldOf, body);
    if (isNothing(value) || value === namesWhatIs[path]) continue;
    throw fail('unsupported', `${path} ${JSON.stringify(value).slice(0, 100)} is not supported yet`, { hint });
  }
}

/** Zero values of every type, empty lists and empty objects. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** An object all of whose fields ask for nothing. */
export function isAllNothing(value: object): boolean {
  return Object.values(value).every(isNothing);
}
