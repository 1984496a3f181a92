// The Docker Engine API face of an engine.
export { createRequest } from './create-request.ts';
export { serve } from './server.ts';
export { updateRequest } from './update.ts';
