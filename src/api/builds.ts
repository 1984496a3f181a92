// Our own: a look at a Dockerfile without building it.
import { decode } from '../base/index.ts';
import { buildCalls, type BuildCheckRequest, type BuildFile } from '../spec/estiva/build-check.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { answerJson } from './answer.ts';
import { readJson } from './body.ts';
import type { Call } from './call.ts';

const file: decode.Decode<BuildFile> = decode.object<BuildFile>({ name: decode.text, text: decode.text });

const checkRequest: decode.Decode<BuildCheckRequest> = decode.object<BuildCheckRequest>({
  call: decode.word(buildCalls),
  dockerfile: decode.required(file),
  ignoreFile: decode.nullable(file),
  buildArgs: decode.dictionary(decode.text),
  target: decode.text,
  platform: decode.text,
});

export async function check({ engine, request, response }: Call): Promise<void> {
  const { call, dockerfile, ignoreFile, buildArgs, target, platform } = await readJson(request, checkRequest);
  answerJson(response, 200, engine.builds.look({
    call, dockerfile, ignoreFile: ignoreFile ?? undefined, buildArgs: new Map(Object.entries(buildArgs)), target: target || undefined, platform: platform === '' ? undefined : parsePlatform(platform),
  }));
}
