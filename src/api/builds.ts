// Our own: a look at a Dockerfile without building it, and contexts of which only what changed travels.
import { decode } from '../base/index.ts';
import { decodeContextRow } from '../engine/index.ts';
import { buildCalls, type BuildCheckRequest, type BuildFile } from '../spec/estiva/build-check.ts';
import type { ContextOffer } from '../spec/estiva/build-context.ts';
import { parsePlatform } from '../spec/oci/platform.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { passingBodyOf, readJson } from './body.ts';
import { parameterOf, type Call } from './call.ts';

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

/** A row takes some hundred bytes. */
const offerBytesMax = 128 << 20;
const offered: decode.Decode<ContextOffer> = decode.object<ContextOffer>({ key: decode.required(decode.text), rows: decode.required(decode.list(decodeContextRow)) });

export async function offerContext({ engine, request, response, signal }: Call): Promise<void> {
  answerJson(response, 201, await engine.builds.contexts.offer(await readJson(request, offered, offerBytesMax), signal));
}

export async function receiveContext(call: Call): Promise<void> {
  const { engine, request, response, signal } = call;
  await engine.builds.contexts.receive(parameterOf(call, 'id'), passingBodyOf(request), signal);
  answerEmpty(response, 204);
}
