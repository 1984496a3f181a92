// `outputs` of `POST /build`, in Docker's JSON: what becomes of a build. Docker reads it for BuildKit alone, where the client opens a session for the files; here
// they come in the answer: as a multiplexed stream, messages in the frames of stderr, the tar in those of stdout.
import { decode, fail } from '../base/index.ts';
import type { SentOutput } from '../engine/index.ts';

export type WantedOutput =
  | { readonly to: 'client'; readonly kind: SentOutput['kind']; readonly names: readonly string[]; readonly annotations: Readonly<Record<string, string>> }
  | { readonly to: 'images'; readonly names: readonly string[]; readonly isPushed: boolean };

const outputs = decode.list(decode.object<{ Type: string; Attrs: Readonly<Record<string, string>> }>({ Type: decode.text, Attrs: (value, path) => (value === undefined || value === null ? {} : decode.dictionary(decode.text)(value, path)) }));

/** @throws `invalid` and `unsupported` by name */
export function decodeOutput(text: string): WantedOutput {
  const [output, ...others] = text === '' || text === 'null' ? [] : decode.decodeJson(text, outputs);
  if (others.length > 0) throw fail('unsupported', 'outputs: one build has one output', { hint: 'Build once for each; what the cache knows costs nothing' });
  if (output === undefined) return { to: 'images', names: [], isPushed: false };
  const attributes = new Attributes(output.Attrs, output.Type);
  const wanted = read(output.Type, attributes);
  attributes.refuseOthers();
  return wanted;
}

function read(type: string, attributes: Attributes): WantedOutput {
  switch (type) {
    case 'image': return { to: 'images', names: attributes.names(), isPushed: attributes.flag('push') };
    case 'local': case 'tar': return { to: 'client', kind: 'files', names: [], annotations: {} };
    case 'oci': case 'docker':
      attributes.only('compression', 'uncompressed', 'layers lie in the archive as they are hashed; compress the whole of it');
      attributes.only('tar', 'true', 'the archive is one tar');
      return { to: 'client', kind: type, names: attributes.names(), annotations: attributes.annotations() };
    case 'registry': throw fail('unsupported', 'outputs: type=registry is not supported', { hint: 'Use type=image,name=NAME,push=true, which keeps the image here as well' });
    default: throw fail('invalid', `outputs: unknown type ${JSON.stringify(type.slice(0, 100))}`, { hint: 'One of local, tar, oci, docker, image' });
  }
}

/** Each is read once; what nobody has read is refused. */
class Attributes {
  readonly #left: Map<string, string>;
  readonly #type: string;

  constructor(attributes: Readonly<Record<string, string>>, type: string) {
    this.#left = new Map(Object.entries(attributes));
    this.#type = type;
  }

  names(): readonly string[] {
    return (this.#take('name') ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
  }

  flag(name: string): boolean {
    const value = this.#take(name);
    if (value === undefined || value === 'true' || value === 'false') return value === 'true';
    throw fail('invalid', `outputs: ${name} is true or false, not ${JSON.stringify(value.slice(0, 100))}`);
  }

  only(name: string, value: string, why: string): void {
    const given = this.#take(name);
    if (given !== undefined && given !== value) throw fail('unsupported', `outputs: type=${this.#type} with ${name}=${given.slice(0, 100)} is not supported: ${why}`);
  }

  annotations(): Readonly<Record<string, string>> {
    const names = [...this.#left.keys()].filter((name) => name.startsWith('annotation.'));
    return Object.fromEntries(names.map((name) => [name.slice('annotation.'.length), this.#take(name)!]));
  }

  refuseOthers(): void {
    const [name] = this.#left.keys();
    if (name?.startsWith('annotation.') === true) throw fail('unsupported', `outputs: type=${this.#type} cannot carry annotations`, { hint: 'type=oci and type=docker can; a label (--label) goes everywhere' });
    if (name !== undefined) throw fail('unsupported', `outputs: type=${this.#type} with ${name.slice(0, 100)} is not supported`);
  }

  #take(name: string): string | undefined {
    const value = this.#left.get(name);
    this.#left.delete(name);
    return value;
  }
}
