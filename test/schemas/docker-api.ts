// Answers of the API against Docker's published description of it, of two versions: ours is between them. A field that only one of them knows is
// judged by that one; a field that neither knows is an error, and so is an answer that the path does not have.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { errorText, newValidator, referenceDir } from './reference.ts';

export interface ApiAnswer {
  readonly method: string;
  /** With its query; with or without a version in front. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

type Responses = Readonly<Record<string, { readonly schema?: unknown }>>;
type Paths = Readonly<Record<string, Readonly<Record<string, { readonly responses?: Responses }>>>>;

class ApiDescription {
  readonly #validator = newValidator();
  readonly #paths: readonly { readonly shape: RegExp; readonly template: string; readonly literals: number }[];
  readonly #described: Paths;

  constructor(version: string) {
    const document = parse(readFileSync(join(referenceDir!, `docker-engine-api-v${version}.yaml`), 'utf8'), { logLevel: 'silent' }) as Document;
    this.#validator.addSchema({ ...schemaOf(document), $id: 'api' });
    this.#described = document.paths;
    // {name} of images and distribution holds slashes. Where two shapes fit, the one with more words of its own is meant.
    this.#paths = Object.keys(document.paths).map((template) => ({
      template, shape: new RegExp(`^${template.replaceAll(/\{name\}/g, '.+').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`), literals: template.replaceAll(/\{[^}]+\}/g, '').length,
    })).toSorted((a, b) => b.literals - a.literals);
  }

  /** Undefined when it has no such path or method. */
  responsesOf(method: string, path: string): { readonly template: string; readonly responses: Responses } | undefined {
    const found = this.#paths.find(({ shape, template }) => shape.test(path) && this.#described[template]![method.toLowerCase()] !== undefined);
    return found && { template: found.template, responses: this.#described[found.template]![method.toLowerCase()]!.responses ?? {} };
  }

  validatorOf(method: string, template: string, status: number): ValidateFunction {
    const pointer = ['paths', template, method.toLowerCase(), 'responses', String(status), 'schema'].map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    return this.#validator.getSchema(`api#/${pointer}`)!;
  }
}

interface Document {
  readonly paths: Paths;
  readonly definitions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** OpenAPI 2 as JSON Schema. */
function schemaOf({ paths, definitions }: Document): AnySchemaObject {
  const isClosed = ({ $ref, properties, allOf, additionalProperties }: Readonly<Record<string, unknown>>): boolean => {
    if (typeof $ref === 'string') return isClosed(definitions[$ref.replace('#/definitions/', '')] ?? {});
    return (properties !== undefined || allOf !== undefined) && additionalProperties === undefined;
  };
  /** `isPart`: of a whole that closes itself, or a definition, which whoever names it closes. */
  const translated = (node: unknown, isPart = false): unknown => {
    if (Array.isArray(node)) return node.map((item) => translated(item, isPart));
    if (typeof node !== 'object' || node === null) return node;
    const schema = Object.fromEntries(Object.entries(node).filter(([key]) => key !== 'example').map(([key, value]) => [key, translated(value, key === 'allOf')]));
    const whole = !isPart && isClosed(node as Record<string, unknown>) ? { ...schema, unevaluatedProperties: false } : schema;
    return nullable(whole);
  };
  return { paths: translated(paths), definitions: Object.fromEntries(Object.entries(definitions).map(([name, definition]) => [name, translated(definition, true)])) };
}

/** Go writes an empty list or map as null, and so does dockerd where the description does not say so: a null is as good as an empty one. */
function nullable(schema: Record<string, unknown>): Record<string, unknown> {
  const { type } = schema;
  if (schema['x-nullable'] !== true && type !== 'array' && type !== 'object') return schema;
  if (typeof schema.$ref === 'string') return { anyOf: [{ $ref: schema.$ref, unevaluatedProperties: schema.unevaluatedProperties ?? true }, { type: 'null' }] };
  return { ...schema, ...(typeof type === 'string' && { type: [type, 'null'] }), ...(Array.isArray(schema.enum) && { enum: [...schema.enum as unknown[], null] }) };
}

let descriptions: readonly ApiDescription[] | undefined;

/** What is wrong with the answer, one line each. */
export function apiViolations(answer: ApiAnswer): readonly string[] {
  descriptions ??= ['1.44', '1.56'].map((version) => new ApiDescription(version));
  const path = decodeURIComponent(answer.path.replace(/\?.*$/s, '').replace(/^\/v\d+\.\d+(?=\/)/, ''));
  const found = descriptions.flatMap((description) => {
    const place = description.responsesOf(answer.method, path);
    return place === undefined ? [] : [{ description, ...place }];
  });
  if (found.length === 0) return ['neither version of the API has this path'];
  const withStatus = found.filter(({ responses }) => responses[String(answer.status)] !== undefined);
  if (withStatus.length === 0) return [`neither version of the API answers ${answer.status} here`];
  if (!answer.contentType.startsWith('application/json')) return [];
  const judges = withStatus.filter(({ responses }) => responses[String(answer.status)]!.schema !== undefined)
    .map(({ description, template }) => description.validatorOf(answer.method, template, answer.status));
  return judges.length === 0 ? [] : documentsOf(answer.text).flatMap((document) => judged(judges, document));
}

/** One, or one on each line of a stream. */
function documentsOf(text: string): readonly unknown[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  try {
    return [JSON.parse(trimmed)];
  } catch {
    return trimmed.split('\n').map((line) => JSON.parse(line) as unknown);
  }
}

/** What each objects to, but what is unknown only where all do not know it, and missing only where all ask for it. */
function judged(judges: readonly ValidateFunction[], document: unknown): readonly string[] {
  const all = judges.map((validate) => (validate(document) ? [] : [...validate.errors ?? []]));
  const key = ({ instancePath, keyword, params }: ErrorObject): string => `${instancePath} ${keyword} ${JSON.stringify(params)}`;
  const byAll = all[0]!.filter((error) => all.every((others) => others.some((other) => key(other) === key(error))));
  const byAny = all.flat().filter(({ keyword }) => !['unevaluatedProperties', 'required'].includes(keyword));
  return [...new Set([...byAll, ...byAny].map(errorText))];
}
