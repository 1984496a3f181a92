// What check, outline and targets come to, as `docker buildx build` prints them.
import { excerpt } from '../../spec/dockerfile/index.ts';
import { linesOf, type BuildFault, type CheckResult, type LintWarning, type OutlineResult, type TargetsResult } from '../../spec/estiva/build-check.ts';
import { alignColumns } from '../table.ts';

/** All warnings, in the order of the lines. */
export function checkLines({ warnings, sources, buildError, unknownImages = [] }: CheckResult): readonly string[] {
  const all = warnings ?? [];
  if (all.length === 0) return buildError === undefined ? ['Check complete, no warnings found.', ...unknownLines(unknownImages)] : [];
  const { filename = '', data = '' } = sources[0] ?? {};
  const text = decode(data);
  return [`Check complete, ${all.length === 1 ? '1 warning has' : `${all.length} warnings have`} been found!`, ...all.flatMap((warning) => ['', ...warningLines(warning, filename, text)]), ...unknownLines(unknownImages)];
}

function warningLines({ ruleName, url, detail, location }: LintWarning, name: string, text: string): readonly string[] {
  return [`WARNING: ${ruleName} - ${url}`, detail, ...excerpt(name, text, linesOf(location))];
}

function unknownLines(images: readonly string[]): readonly string[] {
  return images.length === 0 ? [] : ['', `Not looked at, because ${images.length === 1 ? 'the image is' : 'the images are'} not here: the variables of ${images.join(', ')}`];
}

/** The mistake, its lines, and the way out. */
export function faultLines({ message, hint, location }: BuildFault, name: string, data: string): readonly string[] {
  return [`ERROR: ${message}`, ...excerpt(name, decode(data), linesOf(location ?? {})), ...hint === undefined ? [] : [hint]];
}

export function outlineLines({ name, description, args = [], secrets = [], ssh = [] }: OutlineResult): readonly string[] {
  const head = [...name === undefined ? [] : [`TARGET:      ${name}`], ...description === undefined ? [] : [`DESCRIPTION: ${description}`]];
  const needs = (title: string, all: NonNullable<OutlineResult['secrets']>): readonly string[] => all.length === 0 ? [] : [...alignColumns([`${title}\tREQUIRED`, ...all.map((one) => `${one.name}\t${one.required === true ? 'true' : ''}`)], { widthMin: 0 }), ''];
  return [
    ...head.length === 0 ? [] : [...head, ''],
    ...args.length === 0 ? [] : [...alignColumns(['BUILD ARG\tVALUE\tDESCRIPTION', ...args.map((one) => `${one.name}\t${one.value ?? ''}\t${one.description ?? ''}`)], { widthMin: 0 }), ''],
    ...needs('SECRET', secrets),
    ...needs('SSH', ssh),
  ];
}

export function targetsLines({ targets = [] }: TargetsResult): readonly string[] {
  const rows = targets.flatMap(({ name, default: isDefault, description = '' }) => {
    const label = [...name === undefined ? [] : [name], ...isDefault === true ? ['(default)'] : []].join(' ');
    return label === '' ? [] : [[label, description] as const];
  });
  const width = Math.max('TARGET'.length, ...rows.map(([label]) => label.length)) + 1;
  return [['TARGET', 'DESCRIPTION'] as const, ...rows].map(([label, description]) => `${label.padEnd(width)}${description}`);
}

function decode(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8');
}
