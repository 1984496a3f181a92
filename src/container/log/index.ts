// The log of a container: one interface, and a driver for each way of keeping it.
export { detailsOf } from './details.ts';
export { EntryLog } from './entry-log.ts';
export { jsonFormat } from './json-format.ts';
export { localFormat } from './local.ts';
export type { ContainerLog } from './log.ts';
export { parseLogConfig } from './options.ts';
