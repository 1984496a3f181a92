// Where a build goes: `--output`, `--load`, `--push`. A directory gets the files as `cp` would write them: nothing leaves it, no link is followed, and they
// belong to who runs the command, as with BuildKit; an archive goes into a file, which is there whole or not at all, or to stdout.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { openArchiveOutput } from '../archive-output.ts';
import { said } from '../copy/paths.ts';
import { unpackLocal } from '../copy/unpack.ts';
import { Exit } from '../errors.ts';
import type { Session } from '../session.ts';

export interface OutputChoice {
  readonly type: string;
  /** `-`: stdout. Undefined: nothing comes here. */
  readonly dest: string | undefined;
  /** For the daemon. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface OutputSink extends Disposable {
  write(bytes: Uint8Array): void | Promise<void>;
  /** It is whole. */
  finish(): void | Promise<void>;
}

export interface OutputFlags {
  readonly output: readonly string[];
  readonly load: boolean;
  readonly push: boolean;
  readonly annotation: readonly string[];
}

/** Undefined: an image, kept by the daemon. @throws Exit for what does not go together */
export function chooseOutput({ output, load, push, annotation }: OutputFlags): OutputChoice | undefined {
  const asked = [...output, ...load ? ['type=docker'] : [], ...push ? ['type=image,push=true'] : []];
  if (asked.length > 1) throw new Exit(1, 'ERROR: a build has one output: give --output, --load or --push once');
  const choice = asked[0] === undefined ? undefined : parseOutput(asked[0]);
  const annotations = annotation.map(parseAnnotation);
  if (annotations.length === 0) return choice?.type === 'docker' && choice.dest === undefined && Object.keys(choice.attributes).length === 0 ? undefined : choice;
  if (choice?.dest === undefined || !['oci', 'docker'].includes(choice.type)) throw new Exit(1, 'ERROR: --annotation needs an output that can carry it: type=oci or type=docker with dest=; a label (--label) goes everywhere');
  return { ...choice, attributes: { ...choice.attributes, ...Object.fromEntries(annotations.map(([key, value]) => [`annotation.${key}`, value])) } };
}

function parseOutput(text: string): OutputChoice {
  if (!text.includes('=')) return text === '-' ? { type: 'tar', dest: '-', attributes: {} } : { type: 'local', dest: text, attributes: {} };
  const { type, dest, ...attributes } = Object.fromEntries(fieldsOf(text)) as Partial<Record<string, string>>;
  if (type === undefined) throw new Exit(1, `ERROR: invalid --output ${JSON.stringify(text)}: type is required`);
  if (type === 'local' && (dest === undefined || dest === '' || dest === '-')) throw new Exit(1, 'ERROR: dest is required for local output: type=local,dest=DIRECTORY');
  const isSent = ['local', 'tar', 'oci'].includes(type) || (type === 'docker' && dest !== undefined);
  if (!isSent && dest !== undefined) throw new Exit(1, `ERROR: an output of type=${type} has no dest`);
  // An image of Docker's without a destination is one that the daemon keeps.
  const sentType = type === 'docker' && !isSent ? 'image' : type;
  return { type: Object.keys(attributes).length === 0 ? type : sentType, dest: isSent ? dest ?? '-' : undefined, attributes: attributes as Record<string, string> };
}

/** CSV in one line: a field in quotes may have commas. */
function fieldsOf(text: string): readonly (readonly [key: string, value: string])[] {
  const fields = text.match(/(?:"(?:[^"]|"")*"|[^,])+/g) ?? [];
  return fields.map((field) => {
    const plain = field.startsWith('"') && field.endsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
    const at = plain.indexOf('=');
    if (at < 0) throw new Exit(1, `ERROR: invalid --output ${JSON.stringify(text)}: ${JSON.stringify(plain)} is no key=value pair`);
    return [plain.slice(0, at).trim().toLowerCase(), plain.slice(at + 1)];
  });
}

/** `[manifest:]key=value`. */
function parseAnnotation(text: string): readonly [key: string, value: string] {
  const [, level = '', key = '', value] = /^(?:([a-z-]+(?:,[a-z-]+)*):)?([^=:]+)=(.*)$/s.exec(text) ?? [];
  if (value === undefined) throw new Exit(1, `ERROR: invalid annotation ${JSON.stringify(text)}: expected key=value`);
  if (level !== '' && level !== 'manifest') throw new Exit(1, `ERROR: an annotation of ${JSON.stringify(level)} is not supported: the archive has one manifest`);
  return [key, value];
}

/** @throws Exit when it cannot be written there */
export function openSink(session: Session, { type, dest = '-' }: OutputChoice): OutputSink {
  if (type !== 'local') return openArchiveOutput(session, dest === '-' ? undefined : dest, 'write the output');
  const tar = new PassThrough();
  let unpacked: Promise<unknown> | undefined;
  const begin = (): Promise<unknown> => {
    said('mkdir', dest, () => mkdirSync(dest, { recursive: true }));
    const unpacking = unpackLocal(tar, dest, { name: undefined, hasFirst: false });
    // Its failure is thrown where it is waited for.
    unpacking.catch(() => undefined);
    return unpacking;
  };
  return {
    write: (bytes) => {
      unpacked ??= begin();
      return tar.write(Buffer.from(bytes)) ? undefined : Promise.race([once(tar, 'drain'), unpacked]).then(() => undefined);
    },
    finish: async () => {
      tar.end();
      await unpacked;
    },
    [Symbol.dispose]: () => { tar.destroy(); },
  };
}
