// Registries: login, search, and what a registry says about an image that is not here.
import { decode, fail } from '../base/index.ts';
import { describeImage } from '../engine/index.ts';
import { parseReference, withDefaultTag } from '../spec/reference.ts';
import type { SearchItem } from '../spec/docker/registry.ts';
import { answerJson } from './answer.ts';
import { readJson } from './body.ts';
import { type Call, parameterOf } from './call.ts';
import type { Filters, Query } from './query.ts';
import { credentialsOf, decodeCredentials } from './registry-auth.ts';

const searchDefault = 25;
const searchMax = 100;

export async function login({ engine, request, response, signal }: Call): Promise<void> {
  const credentials = await readJson(request, decodeCredentials);
  const { identityToken = '' } = await engine.registries.login(credentials.server ?? '', credentials, signal);
  answerJson(response, 200, { IdentityToken: identityToken, Status: 'Login Succeeded' });
}

export async function distribution(call: Call): Promise<void> {
  const { engine, request, response, signal } = call;
  const reference = withDefaultTag(parseReference(parameterOf(call, 'name')));
  await using repository = engine.registries.repository(reference, { credentials: credentialsOf(request.headers), signal });
  const { descriptor, platforms } = await describeImage(repository, reference.digest ?? reference.tag ?? 'latest');
  const { mediaType, digest, size } = descriptor;
  answerJson(response, 200, { Descriptor: { mediaType, digest, size }, Platforms: platforms });
}

export async function search({ engine, query, request, response, signal }: Call): Promise<void> {
  const limit = limitOf(query);
  const filters = query.filters(['is-automated', 'is-official', 'stars']);
  const [starsMin, isOfficial, isAutomated] = [starsOf(filters), flagIn(filters, 'is-official'), flagIn(filters, 'is-automated')];
  const found = await engine.registries.search(query.text('term'), { limit, credentials: credentialsOf(request.headers), signal });
  // Docker Hub has no automated builds any more: nothing is one.
  const kept = isAutomated === true ? [] : found.filter((one) => one.starCount >= starsMin && (isOfficial === undefined || one.isOfficial === isOfficial));
  answerJson(response, 200, kept.map(({ name, description, starCount, isOfficial }): SearchItem => ({ star_count: starCount, is_official: isOfficial, name, is_automated: false, description })));
}

function limitOf(query: Query): number {
  const text = query.text('limit');
  const limit = text === '' ? searchDefault : Number(text);
  if (!Number.isInteger(limit)) throw fail('invalid', `Parameter 'limit': expected a number, not ${JSON.stringify(text.slice(0, 100))}`);
  if (limit < 1 || limit > searchMax) throw fail('invalid', `limit ${limit} is outside the range of [1, ${searchMax}]`);
  return limit;
}

function starsOf(filters: Filters): number {
  const wanted = (filters.get('stars') ?? []).map((text) => {
    if (!/^\d{1,9}$/.test(text)) throw fail('invalid', `invalid filter 'stars=${text.slice(0, 100)}'`, { hint: 'Give a number' });
    return Number(text);
  });
  return Math.max(0, ...wanted);
}

function flagIn(filters: Filters, name: string): boolean | undefined {
  const [text] = filters.get(name) ?? [];
  if (text === undefined) return undefined;
  return decode.word(['true', 'false', '1', '0'])(text, `Filter '${name}'`).startsWith('t') || text === '1';
}
