// The Docker Engine API face of an engine.
export { serve, type ServeOptions } from './server.ts';
