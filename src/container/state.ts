// A container's states, and which verb each of them allows: the one place where that is said, in dockerd's words.
//
//            ┌──────────── start ◀───────────┐
//            ▼                               │
//   created ─start─▶ running ─its end──▶ exited
//                    │     ▲ └────────▶ restarting ─(a while)─▶ running
//                  pause unpause
//                    ▼     │
//                    paused ─its end──▶ as from running
import { fail, type EstivaError } from '../base/index.ts';
import type { Membership } from '../network/index.ts';

/** How the last run ended. */
interface Ended {
  readonly exitCode: number;
  /** Undefined: it never ran. */
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date;
  readonly oomKilled: boolean;
  readonly error: string;
}

export type State =
  /** `failure`: how the last start failed, before the program ran. */
  | { readonly status: 'created'; readonly failure?: { readonly exitCode: number; readonly message: string } }
  /** `membership`: what it has of networks. `stopAsked`: somebody asked for its end; no restart policy applies to that. */
  | { readonly status: 'running' | 'paused'; readonly pid: number; readonly startedAt: Date; readonly membership?: Membership | undefined; readonly stopAsked?: boolean }
  /** It ended, and its restart policy will start it again in a moment. */
  | Ended & { readonly status: 'restarting' }
  | Ended & { readonly status: 'exited'; readonly stopAsked?: boolean };

type Status = State['status'];
export type StateWithProcess = Extract<State, { readonly status: 'running' | 'paused' }>;

/** Whether it has a first process, running or paused. */
export function hasProcess(state: State): state is StateWithProcess {
  return state.status === 'running' || state.status === 'paused';
}

/** Whether it counts as running for Docker's clients: it has a process, or will have one again without being asked. */
export function isUp(state: State): state is Exclude<State, { readonly status: 'created' | 'exited' }> {
  return hasProcess(state) || state.status === 'restarting';
}

/** What a sentence about a container names. */
interface Named {
  readonly id: string;
  readonly name: string;
}
type Refusal = (container: Named) => EstivaError;

const isRunning: Refusal = ({ id }) => fail('not_modified', `Container ${id} is already running`);
const isNotRunning: Refusal = ({ id }) => fail('conflict', `container ${id} is not running`, { hint: 'Start it first' });
const isStopped: Refusal = ({ id }) => fail('not_modified', `Container ${id} is not running`);
const isNotThere: Refusal = ({ id }) => fail('conflict', `Cannot kill container: ${id}: container ${id} is not running`);
const isPaused: Refusal = ({ id }) => fail('conflict', `Container ${id} is already paused`);
const isNotPaused: Refusal = ({ id }) => fail('conflict', `Container ${id} is not paused`);
const isRestarting: Refusal = ({ id }) => fail('conflict', `Container ${id} is restarting, wait until the container is running`);
const startOfPaused: Refusal = () => fail('conflict', 'cannot start a paused container, try unpause instead');
const execOfPaused: Refusal = ({ name }) => fail('conflict', `Container ${name} is paused, unpause the container before exec`);
const attachToPaused: Refusal = ({ name }) => fail('conflict', `container ${name} is paused, unpause the container before attach`);
const attachToRestarting: Refusal = ({ name }) => fail('conflict', `container ${name} is restarting, wait until the container is running`);
const removeOf = (why: string): Refusal => ({ name }) => fail('conflict', `cannot remove container "${name}": container is ${why}`);

/** Verb → what a state answers that does not allow it. A state that is not named allows the verb; a verb that is not here goes in every state. */
const refusals = {
  start: { running: isRunning, restarting: isRunning, paused: startOfPaused },
  stop: { created: isStopped, exited: isStopped },
  kill: { created: isNotThere, exited: isNotThere },
  pause: { created: isNotRunning, exited: isNotRunning, paused: isPaused, restarting: isRestarting },
  unpause: { created: isNotPaused, running: isNotPaused, restarting: isNotPaused, exited: isNotPaused },
  exec: { created: isNotRunning, exited: isNotRunning, paused: execOfPaused, restarting: isRestarting },
  attach: { paused: attachToPaused, restarting: attachToRestarting },
  resize: { created: isNotRunning, exited: isNotRunning, restarting: isNotRunning },
  /** Without force. */
  remove: {
    running: removeOf('running: stop the container before removing or force remove'),
    paused: removeOf('paused and must be unpaused first'),
    restarting: removeOf('restarting: stop the container before removing or force remove'),
  },
} as const satisfies Record<string, Partial<Record<Status, Refusal>>>;

export type Verb = keyof typeof refusals;
/** The states that allow `V`. */
type Allowing<V extends Verb> = Exclude<State, { readonly status: keyof (typeof refusals)[V] }>;

/** The container's state, which allows the verb. @throws what dockerd answers when it does not. */
export function allow<V extends Verb>(verb: V, container: Named & { readonly state: State }): Allowing<V> {
  const refusal = (refusals[verb] as Partial<Record<Status, Refusal>>)[container.state.status];
  if (refusal !== undefined) throw refusal(container);
  return container.state as Allowing<V>;
}
