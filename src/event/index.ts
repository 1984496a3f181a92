// Events: what happens in the engine, for whoever watches.
export { EventBus, type Events, type Listener } from './bus.ts';
export type { EngineEvent, EventType } from './event.ts';
