// The json-file log of a container.
export { JsonFileLog, type LogPlace } from './json-file.ts';
export { parseLogLimits, type LogLimits } from './options.ts';
