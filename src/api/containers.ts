// The verbs of containers that are asked and answered at once. Streams (attach, logs, wait) are in streams.ts.
import { fail, isFail } from '../base/index.ts';
import type { ContainerRecord, ContainerSize, Engine } from '../engine/index.ts';
import type { ContainerInspect, ContainerSummary, CreateContainerResponse, TopResponse } from '../spec/docker/container-view.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { readJson } from './body.ts';
import { type Call, parameterOf } from './call.ts';
import { findImage, selectContainers } from './container-filters.ts';
import { createRequest } from './create-request.ts';
import type { Query } from './query.ts';
import type { NetworkIds } from './endpoints-to-docker.ts';
import { toInspect, toSummary } from './to-docker.ts';

export async function list({ engine, query, response }: Call): Promise<void> {
  answerJson(response, 200, await containerSummaries(engine, selectContainers(engine, query), query.flag('size')));
}

export async function containerSummaries(engine: Engine, records: readonly ContainerRecord[], withSizes: boolean): Promise<readonly ContainerSummary[]> {
  const now = new Date();
  const networkIdOf = networkIdsOf(engine);
  const references = new Map<string, string | undefined>();
  const linkedAs = linkedNames(engine);
  const sizes = withSizes ? await sizesOf(engine, records) : undefined;
  return records.map((record) => {
    const named = record.config.Image;
    if (!references.has(named)) references.set(named, findImage(engine, named)?.id);
    return toSummary(record, { now, isImageNameCurrent: references.get(named) === record.imageId, size: sizes?.get(record.id), networkIdOf, linkedAs: linkedAs.get(record.id) ?? [] });
  });
}

function inspectOf(engine: Engine, record: ContainerRecord, size: ContainerSize | undefined): ContainerInspect {
  const names = new Map(record.links.length === 0 ? [] : engine.containers.list().map(({ id, name }) => [id, name]));
  const links = record.links.map(({ target, targetName, alias }) => `/${names.get(target) ?? targetName}:/${record.name}/${alias}`);
  return toInspect(record, { networkIdOf: networkIdsOf(engine), size, links });
}

/** Of all containers that others are linked to: the names by which those find them. */
function linkedNames(engine: Engine): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const { name, links } of engine.containers.list()) {
    for (const { target, alias } of links) names.set(target, [...names.get(target) ?? [], `/${name}/${alias}`]);
  }
  return names;
}

/** Looked up once for all rows. */
function networkIdsOf(engine: Engine): NetworkIds {
  const ids = new Map(engine.networks.list().map(({ name, id }) => [name, id]));
  return (name) => ids.get(name) ?? '';
}

/** One after the other: each is a walk over the disk. A container that goes meanwhile has none. */
async function sizesOf(engine: Engine, records: readonly ContainerRecord[]): Promise<ReadonlyMap<string, ContainerSize>> {
  const sizes = new Map<string, ContainerSize>();
  for (const { id } of records) {
    try {
      sizes.set(id, await engine.containers.size(id));
    } catch (error) {
      if (!isFail(error, 'not_found')) throw error;
    }
  }
  return sizes;
}

export async function create({ engine, query, request, response }: Call): Promise<void> {
  const decoded = await readJson(request, createRequest);
  const options = { name: query.optionalText('name'), platform: query.text('platform') === '' ? undefined : parsePlatform(query.text('platform')) };
  const { id, warnings } = await engine.containers.create(decoded.request, options);
  answerJson(response, 201, { Id: id, Warnings: [...decoded.warnings, ...warnings] } satisfies CreateContainerResponse);
}

export async function inspect({ engine, query, response, parameters }: Call): Promise<void> {
  const record = engine.containers.get(parameterOf({ parameters }, 'id'));
  const size = query.flag('size') ? await engine.containers.size(record.id) : undefined;
  answerJson(response, 200, inspectOf(engine, engine.containers.get(record.id), size));
}

export async function top(call: Call): Promise<void> {
  const { titles, processes } = await call.engine.containers.top(parameterOf(call, 'id'), call.query.text('ps_args'));
  answerJson(call.response, 200, { Processes: processes, Titles: titles } satisfies TopResponse);
}

export async function start(call: Call): Promise<void> {
  refuse(call.query, 'checkpoint', 'Checkpoints are not supported');
  await call.engine.containers.start(parameterOf(call, 'id'));
  answerEmpty(call.response, 204);
}

export async function stop(call: Call): Promise<void> {
  const { engine, query, response } = call;
  await engine.containers.stop(parameterOf(call, 'id'), { signal: query.optionalText('signal'), timeoutSeconds: query.integer('t') });
  answerEmpty(response, 204);
}

export async function kill(call: Call): Promise<void> {
  await call.engine.containers.kill(parameterOf(call, 'id'), call.query.optionalText('signal') ?? 'SIGKILL');
  answerEmpty(call.response, 204);
}

export async function pause(call: Call): Promise<void> {
  await call.engine.containers.pause(parameterOf(call, 'id'));
  answerEmpty(call.response, 204);
}

export async function unpause(call: Call): Promise<void> {
  await call.engine.containers.unpause(parameterOf(call, 'id'));
  answerEmpty(call.response, 204);
}

export async function restart(call: Call): Promise<void> {
  const { engine, query, response } = call;
  await engine.containers.restart(parameterOf(call, 'id'), { signal: query.optionalText('signal'), timeoutSeconds: query.integer('t') });
  answerEmpty(response, 204);
}

export async function rename(call: Call): Promise<void> {
  await call.engine.containers.rename(parameterOf(call, 'id'), call.query.text('name'));
  answerEmpty(call.response, 204);
}

export async function remove(call: Call): Promise<void> {
  const { engine, query, response } = call;
  if (query.flag('link')) await engine.containers.unlink(parameterOf(call, 'id'));
  else await engine.containers.remove(parameterOf(call, 'id'), { force: query.flag('force'), volumes: query.flag('v') });
  answerEmpty(response, 204);
}

export async function resize(call: Call): Promise<void> {
  await call.engine.containers.resize(parameterOf(call, 'id'), terminalSize(call.query));
  answerEmpty(call.response, 200);
}

/** Ours, not Docker's: the program of the container's start, step by step. */
export async function explain(call: Call): Promise<void> {
  answerJson(call.response, 200, { steps: await call.engine.containers.explain(parameterOf(call, 'id')) });
}

/** `h` and `w`, both required, as a terminal can have them. @throws `invalid`. */
export function terminalSize(query: Query): { readonly rows: number; readonly columns: number } {
  const [rows, columns] = [query.integer('h'), query.integer('w')];
  if (rows === undefined || columns === undefined) throw fail('invalid', `invalid resize ${rows === undefined ? 'height' : 'width'} "": invalid syntax`);
  if (Math.min(rows, columns) < 0 || Math.max(rows, columns) > 0xffff) throw fail('invalid', `A terminal cannot have ${rows} rows and ${columns} columns`);
  return { rows, columns };
}

/** @throws `unsupported` when the query asks for `name`. */
function refuse(query: Query, name: string, hint: string): void {
  if (query.flag(name)) throw fail('unsupported', `Parameter '${name}' is not supported yet`, { hint });
}
