// Search, in Docker Hub's own dialect (v1), which few other registries speak.
import { decode, fail } from '../base/index.ts';
import type { Endpoint } from './endpoint.ts';
import { printable } from './failure.ts';
import type { Found } from './registry.ts';
import { readWhole } from './wire.ts';

const answerBytesMax = 4 << 20;

const results = decode.object<{ readonly results: readonly { readonly name: string; readonly description: string; readonly star_count: number; readonly is_official: boolean }[] }>({
  results: decode.list(decode.object({ name: decode.text, description: decode.text, star_count: decode.integer, is_official: decode.flag })),
});

/** `docker.io/x`, `localhost:5000/x`, `x` → where to search, and for what. */
export function splitTerm(term: string): { readonly server: string; readonly words: string } {
  const slash = term.indexOf('/');
  const first = slash < 0 ? '' : term.slice(0, slash);
  const isServer = /[.:]/.test(first) || first === 'localhost';
  // Docker Hub's search is not where its images are.
  if (!isServer || first === 'docker.io') return { server: 'index.docker.io', words: (isServer ? term.slice(slash + 1) : term).replace(/^library\//, '') };
  return { server: first, words: term.slice(slash + 1) };
}

export async function searchAt(endpoint: Endpoint, words: string, limit: number): Promise<readonly Found[]> {
  const reply = await endpoint.send({ method: 'GET', path: `v1/search?q=${encodeURIComponent(words)}&n=${limit}`, scopes: [] });
  if (reply.status !== 200) {
    reply.leave();
    throw fail(reply.status === 401 ? 'unauthorized' : 'unavailable', `Unexpected status code ${reply.status}`, { hint: `${endpoint.site.url.host} cannot be searched: only registries with Docker Hub's search can` });
  }
  const answer = decode.decodeJson((await readWhole(reply, answerBytesMax)).toString('utf8'), results);
  return answer.results.slice(0, limit).map(({ name, description, star_count: starCount, is_official: isOfficial }) => ({ name: printable(name), description: printable(description), starCount, isOfficial }));
}
