// The network of a start. A namespace is set aside at the supervisor while the rest of the start is made ready; then links, addresses, names and
// ports are put into it, so that the program finds them there from its first instruction; then it is launched into it. What comes to nothing leaves nothing.
import { EstivaError, fail, isFail } from '../../base/index.ts';
import { isKernelError, type Fd } from '../../kernel/index.ts';
import type { Membership, Sandbox } from '../../network/index.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import type { StartFailure } from '../start-failure.ts';
import { hasLinks } from './connections.ts';
import { writeNetworkFiles } from './files.ts';
import { portRequestsOf } from './published.ts';

/** Undefined for a container without links: its start asks nobody. */
export function prepareNetwork(room: Room, record: ContainerRecord): PreparedNetwork | undefined {
  return hasLinks(record) ? new PreparedNetwork(room, record) : undefined;
}

/** Disposing closes what is only the start's; unless it was kept, what was joined is left again. */
export class PreparedNetwork implements AsyncDisposable {
  readonly #room: Room;
  readonly #record: ContainerRecord;
  readonly #namespace: Promise<Fd>;
  #undo: 'nothing' | 'namespace' | 'all' = 'namespace';

  constructor(room: Room, record: ContainerRecord) {
    this.#room = room;
    this.#record = record;
    this.#namespace = room.supervisor.setNetworkAside(record.id);
    // Whoever needs it awaits it; until then nobody is there who could hear that it failed.
    this.#namespace.catch(() => undefined);
  }

  /** For other runtimes: where they find the namespace. */
  async path(): Promise<string> {
    return `/proc/${process.pid}/fd/${(await this.#namespace).number}`;
  }

  async join(): Promise<{ readonly membership: Membership } | { readonly failure: StartFailure }> {
    const { networks } = this.#room;
    const { connections, config, hostConfig } = this.#record;
    const sandbox = sandboxOf(this.#record, await this.#namespace);
    try {
      const membership = await networks.join(sandbox, connections, portRequestsOf(hostConfig, config.ExposedPorts), hostConfig.PublishMode);
      this.#undo = 'all';
      writeNetworkFiles(this.#room, this.#record, membership);
      return { membership };
    } catch (error) {
      return { failure: { exitCode: 128, error: networkFailure(error) } };
    }
  }

  /** The program runs. */
  keep(): void {
    this.#undo = 'nothing';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { networks, supervisor } = this.#room;
    if (this.#undo === 'all') networks.leave(this.#record.id);
    try {
      using _copy = await this.#namespace;
      if (this.#undo !== 'nothing') await supervisor.release(this.#record.id);
    } catch (error) {
      // The supervisor died: what was set aside went with it.
      if (!isFail(error, 'unavailable')) throw error;
    }
  }
}

/** In dockerd's words. A bug stays one. */
function networkFailure(error: unknown): EstivaError {
  const prefix = 'failed to set up container networking';
  if (isFail(error)) return new EstivaError(error.kind, `${prefix}: ${error.message}`, { hint: error.hint, cause: error });
  if (isKernelError(error)) return fail('internal', `${prefix}: ${error.message}`, { cause: error });
  throw error;
}

export function sandboxOf({ id, name, config, hostConfig }: ContainerRecord, namespace: Fd): Sandbox {
  return { containerId: id, name, hostname: config.Hostname, namespace, dnsServers: hostConfig.Dns };
}
