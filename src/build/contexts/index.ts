// Contexts that are kept for the next build.
export { Contexts, type KeptContext, type TakenContext } from './contexts.ts';
export { decodeRow } from './offer.ts';
