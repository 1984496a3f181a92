// The streams of a running program: its output to the log and to attached clients, their input to it.
export { openStreams, removeSpools, spoolPaths, type Streams, type StreamsOptions } from './streams.ts';
