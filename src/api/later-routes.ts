// Docker's endpoints that are not here yet, or never will be: each is refused by what it is about, with the way out. Asked only when no route
// of ours has matched, so an endpoint that comes needs no word here; its line goes away with it.
import { fail } from '../base/index.ts';

interface Later {
  /** Methods and path, as one pattern. */
  readonly request: RegExp;
  readonly what: string;
  readonly hint: string;
}

const oneMachine = 'Estiva runs on one machine, without swarm';

const later: readonly Later[] = [
  of('POST', '/(build/cancel|session|grpc)', 'BuildKit comes later; the classic builder is here', 'Set DOCKER_BUILDKIT=0'),
  of('GET|POST|DELETE', '/plugins(/.*)?', 'There are no plugins'),
  of('GET|POST|DELETE', '/(swarm|nodes|services|tasks|secrets|configs)(/.*)?', oneMachine),
  of('POST', '/containers/[^/]+/checkpoints', 'There are no checkpoints'),
];

/** One of a kind of which there is none is not found: `docker inspect NAME` asks for a container, an image, a network, a volume and a plugin in turn. */
const nowhere: readonly (readonly [path: RegExp, say: (name: string) => string])[] = [
  [/^\/plugins\/([^/]+)\/json$/, (name) => `plugin ${JSON.stringify(name)} not found`],
];

/** @throws `unsupported` when Docker has such an endpoint, `not_found` when it asks for one thing of a kind that comes later */
export function refuseLater(method: string, path: string): void {
  for (const [pattern, say] of method === 'GET' ? nowhere : []) {
    const name = pattern.exec(path)?.[1];
    if (name !== undefined) throw fail('not_found', say(name.slice(0, 200)));
  }
  const found = later.find(({ request }) => request.test(`${method} ${path}`));
  if (found !== undefined) throw fail('unsupported', found.what, found.hint === '' ? {} : { hint: found.hint });
}

function of(methods: string, path: string, what: string, hint = ''): Later {
  return { request: new RegExp(`^(${methods}) ${path}$`), what, hint };
}
