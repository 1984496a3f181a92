// Contexts of builds, on the side that has the directory.
export { deliverContext, type ContextDoor } from './deliver.ts';
export { contextOfDirectory, directoryAsContext, type ContextSource } from './directory.ts';
export { packContext } from './pack.ts';
export { textEntry } from './walk.ts';
export type { WalkedEntry } from './walk.ts';
