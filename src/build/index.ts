// Building: from a Dockerfile to what it means. What runs and copies comes on top: it walks the graph.
export { check, outline, targets, type CheckRequest } from './check.ts';
export { Contexts, decodeRow, type KeptContext } from './contexts/index.ts';
export * from './solver/index.ts';
export { BuildSessions } from './session.ts';
