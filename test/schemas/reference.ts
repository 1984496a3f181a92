// Published descriptions of the formats that we speak: Docker's API (OpenAPI 2), the OCI's schemas. They are not ours to copy into the
// repository: they are looked for beside it, or where ESTIVA_REFERENCE says, and what needs them is skipped by name where they are not.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2019, type AnySchemaObject, type ErrorObject } from 'ajv/dist/2019.js';

const places = [process.env.ESTIVA_REFERENCE, '../shared/reference', '../../shared/reference'].filter((place) => place !== undefined);

/** The directory; undefined where there is none. */
export const referenceDir = places.map((place) => resolve(import.meta.dirname, '../..', place)).find((directory) => existsSync(join(directory, 'oci-runtime-spec')));

/** For `skip`: false when it is there. */
export const noReference = referenceDir === undefined ? 'no published schemas: name their directory in ESTIVA_REFERENCE' : false;

/** Draft 4 as ajv knows it: what differs in these documents is only how a schema is named. */
export function withoutNames(schema: unknown): AnySchemaObject {
  const named = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(named);
    if (typeof node !== 'object' || node === null) return node;
    // A property may be called "id": then it is a schema, not a name.
    return Object.fromEntries(Object.entries(node).filter(([key, value]) => !((key === 'id' || key === '$schema') && typeof value === 'string')).map(([key, value]) => [key, named(value)]));
  };
  return named(schema) as AnySchemaObject;
}

export function newValidator(): Ajv2019 {
  return new Ajv2019({ strict: false, allErrors: true, validateFormats: false, verbose: true });
}

/** `where: what, and the value`, in one line. */
export function errorText({ instancePath, message = '', params, data }: ErrorObject): string {
  const extra = (params as { unevaluatedProperty?: string }).unevaluatedProperty ?? '';
  return `${instancePath === '' ? '/' : instancePath} ${message} ${extra} (is ${JSON.stringify(data)?.slice(0, 80) ?? 'nothing'})`.replaceAll(/ +/g, ' ');
}

/** Documents of one directory, which name each other by file. */
export class SchemaDirectory {
  readonly #validator = newValidator();

  constructor(name: string) {
    const directory = join(referenceDir!, name);
    for (const file of readdirSync(directory)) this.#validator.addSchema({ ...withoutNames(JSON.parse(readFileSync(join(directory, file), 'utf8'))), $id: file });
    // Other systems' parts of the runtime specification are no part of ours.
    for (const system of ['solaris', 'windows', 'vm', 'zos', 'freebsd']) {
      const file = `config-${system}.json`;
      if (this.#validator.getSchema(file) === undefined) this.#validator.addSchema({ $id: file, ...otherSystem(system) });
    }
  }

  /** What the document objects to, one line each. */
  violations(file: string, value: unknown): readonly string[] {
    const validate = this.#validator.getSchema(file);
    if (validate === undefined) throw new Error(`No schema ${file}`);
    return validate(value) === true ? [] : (validate.errors ?? []).map(errorText);
  }
}

function otherSystem(system: string): AnySchemaObject {
  return { [system]: {}, definitions: {} };
}
