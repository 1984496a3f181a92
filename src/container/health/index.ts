// Health checks: whether the program in a container does its work, asked from inside again and again.
export { checkHealthcheck, ignoredHealthcheck, healthCheckOf, mergeHealthcheck, startingHealth, unwatched, type Health } from './check.ts';
export { beginHealthChecks, endHealthChecks } from './monitor.ts';
