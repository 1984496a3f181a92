// rename: another name for the same container, whatever it is doing.
import { EstivaError, fail, isFail } from '../base/index.ts';
import type { ContainerRecord } from './container.ts';
import { parseName } from './name.ts';
import type { Room } from './room.ts';
import { hasProcess, type State } from './state.ts';

/** Runs inside the container's queue. @throws with dockerd's texts */
export async function renameContainer(room: Room, record: ContainerRecord, asked: string): Promise<void> {
  if (asked === '') throw fail('invalid', 'Neither old nor new names may be empty');
  const given = asked.startsWith('/') ? asked : `/${asked}`;
  if (given === `/${record.name}`) throw fail('invalid', 'Renaming a container with the same name as its current name');
  using _name = reserve(room, given);
  const renamed = room.shelf.change(record.id, (now) => ({ ...now, name: given.slice(1), state: foundAs(now.state, record.name, given.slice(1)) }));
  if (hasProcess(renamed.state)) room.networks.rename(record.id, renamed.name);
  room.tell({ kind: 'rename', container: renamed, oldName: record.name });
}

/** Its endpoints know all names by which it is found. */
function foundAs(state: State, oldName: string, name: string): State {
  if (!hasProcess(state) || state.membership === undefined) return state;
  const endpoints = state.membership.endpoints.map((endpoint) => ({ ...endpoint, dnsNames: endpoint.dnsNames.map((one) => (one === oldName ? name : one)) }));
  return { ...state, membership: { ...state.membership, endpoints } };
}

function reserve(room: Room, given: string): Disposable {
  try {
    return room.shelf.reserveName(parseName(given));
  } catch (error) {
    if (isFail(error)) throw new EstivaError(error.kind, `Error when allocating new name: ${error.message}`, { hint: error.hint });
    throw error;
  }
}
