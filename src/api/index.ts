// The Docker Engine API face of an engine.
export { serve } from './server.ts';
