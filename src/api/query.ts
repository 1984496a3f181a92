// The query of a request, read as dockerd reads it.
import { decode, fail, messageOf, parseUnixNs } from '../base/index.ts';
import type { Platform } from '../spec/oci/image.ts';

/** Filter values by filter name. Values of one name are alternatives, names are all required. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export class Query {
  readonly #parameters: URLSearchParams;

  constructor(search: string) {
    this.#parameters = new URLSearchParams(search);
  }

  /** Empty when absent. */
  text(name: string): string {
    return this.#parameters.get(name) ?? '';
  }

  /** Undefined when absent or empty. */
  optionalText(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  all(name: string): readonly string[] {
    return this.#parameters.getAll(name);
  }

  /** Everything but nothing, `0`, `no`, `false` and `none` is true. */
  flag(name: string): boolean {
    return !['', '0', 'no', 'false', 'none'].includes(this.text(name).trim().toLowerCase());
  }

  /** The same, for what is true unless said otherwise. */
  flagUnless(name: string): boolean {
    return !this.#parameters.has(name) || this.flag(name);
  }

  /** Undefined when absent or empty. @throws `invalid` naming the parameter. */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === '') return undefined;
    if (!/^[+-]?\d{1,15}$/.test(value)) throw fail('invalid', `Invalid ${name}: ${JSON.stringify(value.slice(0, 100))}`, { hint: 'Give a whole number' });
    return Number(value);
  }

  /** Seconds since 1970 with a fraction, as nanoseconds; undefined when absent, empty or 0. @throws `invalid` naming the parameter. */
  timeNs(name: string): bigint | undefined {
    const value = this.text(name);
    return value === '' || value === '0' ? undefined : parseUnixNs(value, name);
  }

  /** A platform as JSON (`{"os":"linux","architecture":"arm64"}`), undefined when absent. @throws `invalid` */
  platform(name = 'platform'): Platform | undefined {
    const text = this.text(name);
    return text === '' ? undefined : decodePlatform(text);
  }

  /** Several of them, each as JSON. */
  platforms(name: string): readonly Platform[] {
    return this.all(name).filter((text) => text !== '').map(decodePlatform);
  }

  /** `filters`, in both of Docker's forms: `{"label":["a"]}` and the older `{"label":{"a":true}}`. @throws `invalid` for other shapes and names not in `known`. */
  filters(known: readonly string[], notYet: readonly string[] = []): Filters {
    const text = this.text('filters');
    if (text === '') return new Map();
    const filters = new Map(Object.entries(decode.decodeJson(text, decode.dictionary(filterValues))));
    for (const name of filters.keys()) {
      if (notYet.includes(name)) throw fail('invalid', `Filter '${name}' is not supported yet`, { hint: `Filters here: ${known.join(', ')}` });
      if (!known.includes(name)) throw fail('invalid', `invalid filter '${name.slice(0, 100)}'`, { hint: `Filters here: ${known.join(', ')}` });
    }
    return filters;
  }
}

/** @throws `invalid` with the beginning of dockerd's sentence */
function decodePlatform(text: string): Platform {
  const { os, architecture, variant } = platformIn(text);
  if (os === '' || architecture === '') throw fail('invalid', 'both OS and Architecture must be provided');
  return { os, architecture, ...variant === undefined || variant === '' ? {} : { variant } };
}

function platformIn(text: string): Platform {
  try {
    return decode.decodeJson(text, decode.object<Platform>({ architecture: decode.text, os: decode.text, variant: decode.optional(decode.text) }));
  } catch (error) {
    throw fail('invalid', `failed to parse platform: ${messageOf(error)}`, { hint: 'Write it as JSON: {"os":"linux","architecture":"arm64"}', cause: error });
  }
}

const filterValues: decode.Decode<readonly string[]> = (value, path) => {
  if (Array.isArray(value)) return decode.list(decode.text)(value, path);
  return Object.entries(decode.dictionary(decode.flag)(value, path)).flatMap(([item, isOn]) => isOn ? [item] : []);
};
