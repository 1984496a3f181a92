// What lint is told: `# check=skip=A,B;error=true;experimental=all` at the top of the file, the build argument BUILDKIT_DOCKERFILE_CHECK in its place,
// and `# check=skip=A` right above an instruction, for that alone. Source: Dockerfile reference, "check".
import { wrong } from '../../spec/dockerfile/index.ts';
import type { Finding } from './finding.ts';
import { rules, type RuleName } from './rules.ts';

interface Choice {
  readonly all: boolean;
  readonly names: ReadonlySet<string>;
}

export interface LintSettings {
  readonly skip: Choice;
  readonly experimental: Choice;
  /** Whether a finding is a failure. */
  readonly isError: boolean;
}

const none: Choice = { all: false, names: new Set() };

/** @throws a DockerfileError for options that are none */
export function readLintSettings(text = ''): LintSettings {
  const settings = { skip: none, experimental: none, isError: false };
  for (const part of text.trim() === '' ? [] : text.split(';')) {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part)!;
    const name = key.trim();
    if (value === undefined) throw wrong(`failed to parse check options: invalid check option ${JSON.stringify(part)}`, usage);
    if (name === 'skip' || name === 'experimental') settings[name] = choiceOf(value);
    else if (name === 'error') settings.isError = truthOf(value, part);
    else throw wrong(`failed to parse check options: invalid check option ${JSON.stringify(name)}`, usage);
  }
  return settings;
}

const usage = 'Write # check=skip=NAME,NAME;error=true';

function choiceOf(text: string): Choice {
  const names = text.split(',').map((name) => name.trim());
  return names.length === 1 && names[0] === 'all' ? { all: true, names: new Set() } : { all: false, names: new Set(names) };
}

function truthOf(value: string, part: string): boolean {
  const word = value.trim();
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(word)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(word)) return false;
  throw wrong(`failed to parse check options: failed to parse check option ${JSON.stringify(part)}: strconv.ParseBool: parsing ${JSON.stringify(word)}: invalid syntax`, usage);
}

export function isWanted({ rule, comments }: Finding, { skip, experimental }: LintSettings): boolean {
  const isExperimental = 'isExperimental' in rules[rule];
  if (isExperimental && !experimental.all && !experimental.names.has(rule)) return false;
  return !has(skip, rule) && !comments.some((comment) => has(skippedBy(comment), rule));
}

function has({ all, names }: Choice, rule: RuleName): boolean {
  return all || names.has(rule);
}

function skippedBy(comment: string): Choice {
  const [, names] = /^check\s*=\s*skip\s*=\s*([A-Za-z, ]+)$/.exec(comment) ?? [];
  return names === undefined ? none : choiceOf(names);
}
