// Building: from a Dockerfile to what it means (check.ts and what it stands on), and from that to an image (solver/).
export { check, outline, targets, type CheckRequest } from './check.ts';
export { Contexts, decodeRow, type KeptContext } from './contexts/index.ts';
export * from './solver/index.ts';
export { BuildSessions } from './session.ts';
