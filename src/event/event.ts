// An event: something that happened to one object of the engine, as it is told to whoever watches. The words are Docker's.

export type EventType = 'container' | 'image' | 'network' | 'volume';

export interface EngineEvent {
  readonly type: EventType;
  /** `start`, `die`, `exec_create: sh -c …`. */
  readonly action: string;
  /** Of the object; empty where it is about all of a kind (`prune`). */
  readonly id: string;
  /** What else is to be said: name, image, labels, exit code. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970; no two events have the same. */
  readonly timeNs: bigint;
}
