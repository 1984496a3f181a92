// The one table of what the API answers: method, path, handler. `{name}` stands for one segment of the path, `{name...}` for several
// (image names have slashes, and links: `parent/alias`). Docker's other paths are refused by what they are about (later-routes.ts), all else with Docker's "page
// not found"; paths of our own have `/estiva/` in them.
import { fail } from '../base/index.ts';
import type { Handler } from './call.ts';
import * as archive from './archive.ts';
import { build, holdSession } from './build.ts';
import * as builds from './builds.ts';
import * as containers from './containers.ts';
import { diskUsage } from './disk-usage.ts';
import { events } from './events.ts';
import * as execs from './execs.ts';
import * as images from './images.ts';
import * as networks from './networks.ts';
import { refuseLater } from './later-routes.ts';
import { pruneBuildCache, pruneContainers, pruneImages } from './prune.ts';
import { push } from './push.ts';
import * as registries from './registries.ts';
import { stats } from './stats.ts';
import * as streams from './streams.ts';
import * as system from './system.ts';
import { update } from './update.ts';
import * as volumeCopies from './volume-copies.ts';
import * as volumes from './volumes.ts';

interface Route {
  readonly beginning: string;
  readonly path: RegExp;
  readonly handler: Handler;
}

const routes: readonly Route[] = [
  route('GET', '/_ping', system.ping),
  route('HEAD', '/_ping', system.ping),
  route('GET', '/version', system.version),
  route('GET', '/info', system.info),
  route('GET', '/events', events),
  route('GET', '/system/df', diskUsage),

  route('GET', '/containers/json', containers.list),
  route('POST', '/containers/create', containers.create),
  route('POST', '/containers/prune', pruneContainers),
  route('GET', '/containers/{id...}/json', containers.inspect),
  route('POST', '/containers/{id...}/start', containers.start),
  route('POST', '/containers/{id...}/stop', containers.stop),
  route('POST', '/containers/{id...}/kill', containers.kill),
  route('POST', '/containers/{id...}/pause', containers.pause),
  route('POST', '/containers/{id...}/unpause', containers.unpause),
  route('POST', '/containers/{id...}/restart', containers.restart),
  route('POST', '/containers/{id...}/rename', containers.rename),
  route('POST', '/containers/{id...}/update', update),
  route('POST', '/containers/{id...}/resize', containers.resize),
  route('DELETE', '/containers/{id...}', containers.remove),
  route('GET', '/containers/{id...}/estiva/explain', containers.explain),
  route('POST', '/containers/{id...}/wait', streams.wait),
  route('GET', '/containers/{id...}/logs', streams.logs),
  route('GET', '/containers/{id...}/stats', stats),
  route('GET', '/containers/{id...}/top', containers.top),
  route('POST', '/containers/{id...}/attach', streams.attach),
  route('GET', '/containers/{id...}/attach/ws', streams.attachWebSocket),

  route('HEAD', '/containers/{id...}/archive', archive.statPath),
  route('GET', '/containers/{id...}/archive', archive.readArchive),
  route('PUT', '/containers/{id...}/archive', archive.writeArchive),
  route('GET', '/containers/{id...}/changes', archive.changes),
  route('GET', '/containers/{id...}/export', archive.exportRoot),
  route('POST', '/commit', archive.commit),

  route('POST', '/containers/{id...}/exec', execs.create),
  route('GET', '/exec/{id}/json', execs.inspect),
  route('POST', '/exec/{id}/start', execs.start),
  route('POST', '/exec/{id}/resize', execs.resize),

  route('GET', '/images/json', images.list),
  route('POST', '/images/load', images.load),
  route('POST', '/images/prune', pruneImages),
  route('POST', '/images/create', images.create),
  route('GET', '/images/search', registries.search),
  route('GET', '/distribution/{name...}/json', registries.distribution),
  route('POST', '/auth', registries.login),
  route('GET', '/images/get', images.save),
  route('GET', '/images/{name...}/get', images.save),
  route('GET', '/images/{name...}/attestations', images.attestations),
  route('GET', '/images/{name...}/history', images.history),
  route('GET', '/images/{name...}/json', images.inspect),
  route('POST', '/images/{name...}/push', push),
  route('GET', '/images/{name...}/estiva/layers', images.explore),
  route('GET', '/images/{name...}/estiva/diff', images.differences),
  route('GET', '/images/{name...}/estiva/tree', images.tree),
  route('POST', '/images/{name...}/tag', images.tag),
  route('DELETE', '/images/{name...}', images.remove),

  route('POST', '/build', build),
  route('POST', '/estiva/build/check', builds.check),
  route('POST', '/estiva/build-sessions/{id}', holdSession),
  route('POST', '/estiva/build/contexts', builds.offerContext),
  route('PUT', '/estiva/build/contexts/{id}', builds.receiveContext),

  route('GET', '/networks', networks.list),
  route('POST', '/networks/create', networks.create),
  route('POST', '/networks/prune', networks.prune),
  route('GET', '/networks/{id}', networks.inspect),
  route('DELETE', '/networks/{id}', networks.remove),
  route('POST', '/networks/{id}/connect', networks.connect),
  route('POST', '/networks/{id}/disconnect', networks.disconnect),

  route('GET', '/volumes', volumes.list),
  route('POST', '/volumes/create', volumes.create),
  route('POST', '/volumes/prune', volumes.prune),
  route('GET', '/volumes/{name}', volumes.inspect),
  route('PUT', '/volumes/{name}', volumes.update),
  route('POST', '/volumes/{name}/estiva/clone', volumeCopies.clone),
  route('GET', '/volumes/{name}/estiva/export', volumeCopies.exportFiles),
  route('PUT', '/volumes/{name}/estiva/import', volumeCopies.importFiles),
  route('POST', '/volumes/{name}/estiva/rollback', volumeCopies.rollback),
  route('GET', '/volumes/{name}/estiva/snapshots', volumeCopies.snapshots),
  route('POST', '/volumes/{name}/estiva/snapshots', volumeCopies.snapshot),
  route('DELETE', '/volumes/{name}/estiva/snapshots/{snapshot}', volumeCopies.removeSnapshot),
  route('DELETE', '/volumes/{name}', volumes.remove),

  route('POST', '/build/prune', pruneBuildCache),
];

const byBeginning = Map.groupBy(routes, ({ beginning }) => beginning);

/** The handler for `method` and `path` (without version), and what stands in the path for its names. @throws `not_found`, `unsupported` for what Docker has, `invalid` for broken percent escapes. */
export function findRoute(method: string, path: string): { readonly handler: Handler; readonly parameters: Readonly<Record<string, string>> } {
  for (const { path: pattern, handler } of byBeginning.get(beginningOf(method, path)) ?? []) {
    const match = pattern.exec(path);
    if (match !== null) return { handler, parameters: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, unescapePath(value)])) };
  }
  refuseLater(method, path);
  throw fail('not_found', 'page not found');
}

/** The method and the path's first word, which no pattern leaves open: a request looks at the few routes that share them. */
function beginningOf(method: string, path: string): string {
  return `${method} ${path.split('/', 2)[1]}`;
}

function route(method: string, pattern: string, handler: Handler): Route {
  const source = pattern.replace(/\{(\w+)\.\.\.\}/, '(?<$1>.+)').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { beginning: beginningOf(method, pattern), path: new RegExp(`^${source}$`), handler };
}

function unescapePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw fail('invalid', `Invalid percent escape in the path: ${JSON.stringify(text.slice(0, 100))}`, { cause: error });
  }
}
