// Images: list, inspect, history, load, import, save, tag, remove.
import type { ServerResponse } from 'node:http';
import { fail } from '../base/index.ts';
import type { ImageDeleteItem, ProgressMessage } from '../spec/docker/image.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { answerTar } from './archive.ts';
import { passingBodyOf } from './body.ts';
import { type Call, parameterOf } from './call.ts';
import { selectImages } from './image-filters.ts';
import { toHistoryItem, toImageInspect, toImageSummary, toManifests, type ContainersOf } from './image-to-docker.ts';
import { pull } from './pull.ts';

export function list({ engine, query, response }: Call): void {
  const used = Map.groupBy(engine.containers.list(), ({ imageId }) => imageId);
  const shared = query.flag('shared-size') ? engine.images.usage().sharedBytes : undefined;
  const containersOf: ContainersOf = (id) => (used.get(id) ?? []).map((container) => container.id);
  answerJson(response, 200, selectImages(engine, query).map((image) => ({
    ...toImageSummary(image, containersOf(image.id).length, shared?.get(image.id)),
    ...query.flag('manifests') ? toManifests(engine.images.manifests(image.id), containersOf) : {},
  })));
}

export function inspect(call: Call): void {
  const { engine, query, response } = call;
  const platform = query.platform();
  const image = engine.images.get(parameterOf(call, 'name'), platform);
  if (!query.flag('manifests')) return answerJson(response, 200, toImageInspect(image));
  if (platform !== undefined) throw fail('invalid', 'conflicting options: manifests and platform options cannot both be set');
  const containersOf: ContainersOf = (id) => engine.containers.list().filter(({ imageId }) => imageId === id).map((container) => container.id);
  return answerJson(response, 200, { ...toImageInspect(image), ...toManifests(engine.images.manifests(image.id), containersOf) });
}

/** `quiet` means no progress, and there is none: loading is told when it is done. */
export async function load({ engine, query, request, response, signal }: Call): Promise<void> {
  const loaded = await engine.images.load(passingBodyOf(request), { signal, platforms: query.platforms('platform') });
  const lines = loaded.flatMap(({ id, repoTags }) => repoTags.length > 0 ? repoTags.map((tag) => `Loaded image: ${tag}\n`) : [`Loaded image ID: ${id}\n`]);
  answerMessages(response, lines.map((stream) => ({ stream })));
}

/** One image by its path, or several in `names`. */
export async function save({ engine, parameters, query, response, signal }: Call): Promise<void> {
  const names = parameters['name'] === undefined ? query.all('names') : [parameters['name']];
  if (names.length === 0) throw fail('invalid', 'No image to save is named', { hint: 'Give names=IMAGE, once for each' });
  await answerTar(response, await engine.images.save(names, { platforms: query.platforms('platform') }), signal);
}

/** Our own: what is in the layers. `files` lists every path; without `duplicates=0` files of the same content are looked for. */
export async function explore(call: Call): Promise<void> {
  const options = { files: call.query.flag('files'), duplicates: call.query.flagUnless('duplicates') };
  answerJson(call.response, 200, await call.engine.images.explore(parameterOf(call, 'name'), options));
}

/** Our own: platforms and layers. */
export function tree(call: Call): void {
  answerJson(call.response, 200, call.engine.images.tree(parameterOf(call, 'name')));
}

/** Our own: how the finished tree differs from that of the image `from`. */
export async function differences(call: Call): Promise<void> {
  const before = call.query.text('from');
  if (before === '') throw fail('invalid', 'The image to compare with is missing', { hint: 'Give from=IMAGE' });
  answerJson(call.response, 200, await call.engine.images.differences(before, parameterOf(call, 'name')));
}

export function history(call: Call): void {
  answerJson(call.response, 200, call.engine.images.history(parameterOf(call, 'name'), call.query.platform()).map(toHistoryItem));
}

/** Of API 1.56. */
export async function attestations(call: Call): Promise<void> {
  const { engine, query, response } = call;
  const platforms = query.platforms('platform');
  if (platforms.length > 1) throw fail('invalid', 'only one platform can be given');
  const withStatements = query.flag('statement');
  const found = await engine.images.attestations(parameterOf(call, 'name'), { platform: platforms[0], predicateTypes: query.all('type'), withStatements });
  answerJson(response, 200, found.map(({ descriptor, predicateType, statement }) => ({ Descriptor: descriptor, PredicateType: predicateType, ...withStatements ? { Statement: statement } : {} })));
}

/** Two endpoints in one, as Docker has it: `fromSrc` imports a root filesystem, `fromImage` pulls. */
export async function create(call: Call): Promise<void> {
  const { engine, query, request, response, signal } = call;
  const [image, source] = [query.text('fromImage'), query.text('fromSrc')];
  if (image !== '') return pull(call);
  if (source === '') throw fail('invalid', 'Nothing to create an image from', { hint: 'Give fromSrc=- and a tar archive as the body' });
  if (source !== '-') throw fail('unsupported', 'Importing from a URL is not supported yet', { hint: 'Download the archive and import the file' });
  const [repo, tag] = [query.text('repo'), query.text('tag')];
  const id = await engine.images.import(passingBodyOf(request), {
    reference: repo === '' ? undefined : withTag(repo, tag),
    message: query.optionalText('message'),
    changes: query.all('changes'),
    platform: query.optionalText('platform'),
    signal,
  });
  answerMessages(response, [{ status: id }]);
}

export async function tag(call: Call): Promise<void> {
  const { engine, query, response } = call;
  await engine.images.tag(parameterOf(call, 'name'), withTag(query.text('repo'), query.text('tag')));
  answerEmpty(response, 201);
}

export async function remove(call: Call): Promise<void> {
  const { engine, query, response } = call;
  const { untagged, deleted } = await engine.images.remove(parameterOf(call, 'name'), { force: query.flag('force'), prune: !query.flag('noprune'), platforms: query.platforms('platforms') });
  const items: readonly ImageDeleteItem[] = [...untagged.map((Untagged) => ({ Untagged })), ...deleted.map((Deleted) => ({ Deleted }))];
  answerJson(response, 200, items);
}

/** The stream of JSON messages that clients expect where progress may be told. */
function answerMessages(response: ServerResponse, messages: readonly ProgressMessage[]): void {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(''));
}

function withTag(repo: string, tag: string): string {
  return tag === '' ? repo : `${repo}:${tag}`;
}
