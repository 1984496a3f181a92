// Looking at Dockerfiles: the typed call of Estiva's own endpoint.
import type { BuildCall, BuildCheckRequest, CheckResult, OutlineResult, TargetsResult } from '../spec/estiva/build-check.ts';
import type { Docker } from './docker.ts';

interface Results {
  readonly check: CheckResult;
  readonly outline: OutlineResult;
  readonly targets: TargetsResult;
}

export function checkBuild<C extends BuildCall>(docker: Docker, call: C, request: Omit<BuildCheckRequest, 'call'>): Promise<Results[C]> {
  return docker.json('POST', '/estiva/build/check', { body: { call, ...request } });
}
