// `POST /images/create` with `fromImage`: a pull, told in Docker's words.
import type { PullHappening } from '../engine/index.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import type { Call } from './call.ts';
import { ProgressAnswer } from './progress.ts';
import { credentialsOf } from './registry-auth.ts';

export async function pull({ engine, log, query, request, response, signal }: Call): Promise<void> {
  const [image, tag, platform] = [query.text('fromImage'), query.text('tag'), query.text('platform')];
  const credentials = credentialsOf(request.headers);
  const answer = new ProgressAnswer(response);
  await answer.run(() => engine.images.pull(withTag(image, tag), {
    platform: platform === '' ? undefined : parsePlatform(platform),
    credentials, signal, onHappening: (happening) => tell(answer, happening),
  }), { log, signal });
}

/** A tag that has a colon is a digest. */
function withTag(image: string, tag: string): string {
  if (tag === '') return image;
  return tag.includes(':') ? `${image}@${tag}` : `${image}:${tag}`;
}

function tell(answer: ProgressAnswer, happening: PullHappening): void {
  switch (happening.what) {
    case 'begin': return answer.send({ status: `Pulling from ${happening.repository}`, id: happening.tag });
    case 'layer': return tellLayer(answer, happening);
    case 'end':
      answer.status(`Digest: ${happening.digest}`);
      return answer.status(`Status: ${happening.isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${happening.reference}`);
  }
}

const words = { found: 'Pulling fs layer', here: 'Already exists', waiting: 'Waiting', verified: 'Download complete', unpacked: 'Pull complete' } as const;

function tellLayer(answer: ProgressAnswer, { id, state }: Extract<PullHappening, { what: 'layer' }>): void {
  switch (state.stage) {
    case 'fetching': return answer.progress('Downloading', id, { current: state.bytes, total: state.ofBytes });
    case 'unpacking': return answer.progress('Extracting', id, { current: state.bytes, total: state.ofBytes });
    default: return answer.status(words[state.stage], id);
  }
}
