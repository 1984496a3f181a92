// `POST /images/{name}/push`, told in Docker's words.
import { fail } from '../base/index.ts';
import type { PushHappening } from '../engine/index.ts';
import { type Call, parameterOf } from './call.ts';
import { ProgressAnswer } from './progress.ts';
import { credentialsOf } from './registry-auth.ts';

export async function push(call: Call): Promise<void> {
  const { engine, log, query, request, response, signal } = call;
  const [name, tag] = [parameterOf(call, 'name'), query.text('tag')];
  const platform = query.platform();
  const compression = compressionOf(query.text('compression'));
  const credentials = credentialsOf(request.headers);
  const answer = new ProgressAnswer(response);
  await answer.run(() => engine.images.push(tag === '' ? name : `${name}:${tag}`, { platform, compression, credentials, signal, onHappening: (happening) => tellPush(answer, happening) }), { log, signal });
}

/** Estiva's own parameter. */
function compressionOf(text: string): 'gzip' | 'zstd' {
  if (text === '' || text === 'gzip' || text === 'zstd') return text === '' ? 'gzip' : text;
  throw fail('invalid', `Unknown compression: ${JSON.stringify(text.slice(0, 100))}`, { hint: 'One of gzip, zstd' });
}

export function tellPush(answer: ProgressAnswer, happening: PushHappening): void {
  switch (happening.what) {
    case 'begin': return answer.status(`The push refers to repository [${happening.repository}]`);
    case 'layer': return tellLayer(answer, happening);
    case 'note': return answer.status(happening.text);
    case 'end': {
      const { tag, digest, sizeBytes } = happening;
      answer.status(`${tag}: digest: ${digest} size: ${sizeBytes}`);
      return answer.send({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: sizeBytes } });
    }
  }
}

const words = { preparing: 'Preparing', waiting: 'Waiting', pushed: 'Pushed', there: 'Layer already exists' } as const;

function tellLayer(answer: ProgressAnswer, { id, state }: Extract<PushHappening, { what: 'layer' }>): void {
  switch (state.stage) {
    case 'compressing': return answer.progress('Compressing', id, { current: state.bytes, total: state.ofBytes });
    case 'pushing': return answer.progress('Pushing', id, { current: state.bytes, total: state.ofBytes });
    case 'mounted': return answer.status(`Mounted from ${state.from}`, id);
    default: return answer.status(words[state.stage], id);
  }
}
