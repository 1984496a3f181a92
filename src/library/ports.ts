// Ports as a program says them: `{ '80': 8080, '53/udp': '127.0.0.1:5353', '9000': '' }`.
import type { ContainerRecord } from '../engine/index.ts';

/** Port of the container, with `/udp` or `/sctp` when it is not TCP → port of this machine, alone or after an address and a colon; an empty text: some free one. */
export type Ports = Readonly<Record<string, string | number>>;

/** A port that is open. */
export interface OpenPort {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** `0.0.0.0`, `::`, `127.0.0.1` … */
  readonly hostAddress: string;
  readonly hostPort: number;
}

/** In the words of Docker's API. */
export function bindingsOf(ports: Ports): object {
  return Object.fromEntries(Object.entries(ports).map(([port, place]) => {
    const [, address = '', number] = /^(?:(.*):)?(.*)$/.exec(String(place))!;
    return [port, [{ HostIp: address, HostPort: number }]];
  }));
}

/** None while it does not run. */
export function openPorts({ state }: ContainerRecord): readonly OpenPort[] {
  const open = 'membership' in state ? state.membership?.ports ?? [] : [];
  return open.map(({ containerPort, protocol, hostAddress, hostPort }) => ({ containerPort, protocol, hostAddress, hostPort }));
}
