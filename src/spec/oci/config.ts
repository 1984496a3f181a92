// Parses an image's configuration. It comes from a stranger and ends up in a process's arguments: text with NUL is refused here, since the
// kernel would cut it off there. Fields that Estiva does not know stay in the stored content, not in the parsed value.
import { decode, fail, messageOf, parseDigest } from '../../base/index.ts';
import type { HistoryEntry, ImageConfig, ImageRunConfig } from './image.ts';

/** As many directories as one overlay mount takes here: their names must fit one page of mount options. */
export const layersMax = 128;

const text: decode.Decode<string> = decode.mapped(decode.text, (value, path) => {
  if (value.includes('\0')) throw fail('invalid', `${path}: contains a NUL character`);
  return value;
});
const optionalText = decode.optional(text);
const texts = decode.optional(decode.list(text));
const keys = decode.optional(decode.mapped(decode.dictionary(decode.presence), withoutNulKeys));
const labels = decode.optional(decode.mapped(decode.dictionary(text), withoutNulKeys));

function withoutNulKeys<T>(values: Readonly<Record<string, T>>, path: string): Readonly<Record<string, T>> {
  for (const key of Object.keys(values)) if (key.includes('\0')) throw fail('invalid', `${path}: a key contains a NUL character`);
  return values;
}

const healthcheck = decode.optional(decode.object<NonNullable<ImageRunConfig['Healthcheck']>>({
  Test: texts, Interval: decode.optional(decode.integer), Timeout: decode.optional(decode.integer), StartPeriod: decode.optional(decode.integer),
  StartInterval: decode.optional(decode.integer), Retries: decode.optional(decode.integer),
}));

const runConfig = decode.optional(decode.object<ImageRunConfig>({
  User: optionalText, ExposedPorts: keys, Env: texts, Entrypoint: texts, Cmd: texts, Volumes: keys, WorkingDir: optionalText, Labels: labels, StopSignal: optionalText,
  ArgsEscaped: decode.optional(decode.flag), Shell: texts, OnBuild: texts, Healthcheck: healthcheck,
}));

const diffIds: decode.Decode<ImageConfig['rootfs']['diff_ids']> = decode.list((value, path) => {
  try {
    return parseDigest(decode.text(value, path));
  } catch (error) {
    throw fail('invalid', `${path}: ${messageOf(error)}`, { cause: error });
  }
});

const rootfs: decode.Decode<ImageConfig['rootfs']> = (value, path) => {
  const type = decode.text(decode.fieldOf(value, 'type'), `${path}.type`);
  if (type !== 'layers') throw fail('invalid', `${path}.type: expected "layers"`);
  return { type, diff_ids: diffIds(decode.fieldOf(value, 'diff_ids'), `${path}.diff_ids`) };
};

const history = decode.optional(decode.list(decode.object<HistoryEntry>({
  created: optionalText, created_by: optionalText, author: optionalText, comment: optionalText, empty_layer: decode.optional(decode.flag),
})));

const created: decode.Decode<string | undefined> = (value, path) => {
  const time = optionalText(value, path);
  if (time !== undefined && time !== '' && Number.isNaN(Date.parse(time))) throw fail('invalid', `${path}: expected a time`);
  return time === '' ? undefined : time;
};

const config = decode.object<ImageConfig>({
  created, author: optionalText, architecture: text, os: text, variant: optionalText, config: runConfig, rootfs, history,
});

/** @throws `invalid` naming the field; `unsupported` for images of another system; `too_large` for too many layers. */
export function parseImageConfig(json: string): ImageConfig {
  const parsed = config(decode.parseJson(json), '');
  if (parsed.os !== '' && parsed.os !== 'linux') throw fail('unsupported', `cannot load ${parsed.os} image on linux`);
  if (parsed.rootfs.diff_ids.length > layersMax) throw fail('too_large', `rootfs.diff_ids: ${parsed.rootfs.diff_ids.length} layers are more than ${layersMax}`);
  return parsed;
}
