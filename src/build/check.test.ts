import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpus, ours, type CorpusCase } from '../../test/fixtures/dockerfiles.ts';
import { checkLines, faultLines, outlineLines, targetsLines } from '../cli/dockerfile/show.ts';
import { signalNumber } from '../kernel/index.ts';
import type { CheckResult } from '../spec/estiva/build-check.ts';
import type { ImageConfig } from '../spec/oci/image.ts';
import { check, outline, targets, type CheckRequest } from './check.ts';

const amd64 = { os: 'linux', architecture: 'amd64' } as const;
const busybox: ImageConfig = { ...amd64, config: { Env: ['PATH=/bin'], Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: [] } };

function asked(text: string, rest: Partial<CheckRequest> = {}): CheckRequest {
  return { dockerfile: { name: 'Dockerfile', text }, ignoreFile: undefined, buildArgs: new Map(), target: undefined, platform: amd64, buildPlatform: amd64, isSignal: (word) => signalNumber(word) !== undefined, ...rest };
}

const find = (reference: string): ImageConfig | undefined => reference === 'docker.io/estiva-test/busybox:1' ? busybox : undefined;

function printed(result: CheckResult, name: string): string {
  const { buildError, warnings, sources } = result;
  const fault = buildError === undefined ? [] : faultLines({ message: buildError.message, location: buildError.location! }, name, sources[0]!.data);
  return [...checkLines(result), ...fault, `exit ${buildError === undefined && warnings === null ? 0 : 1}`].filter((line) => line !== '').map((line) => `${line}\n`).join('');
}

const checked = ({ dockerfile, ignoreFile }: CorpusCase): CheckResult => check(asked(dockerfile.text, { dockerfile, ignoreFile }), find);

test('check() prints of every Dockerfile of the corpus what buildx prints of it', () => {
  const cases = corpus();
  assert.ok(cases.length > 60);
  for (const one of cases.filter(({ name, printed: text }) => text !== undefined && ours[name] === undefined)) assert.equal(printed(checked(one), one.dockerfile.name), one.printed, one.name);
});

test('check() differs from buildx where it says why, and nowhere by accident', () => {
  for (const one of corpus().filter(({ name }) => ours[name] !== undefined)) assert.notEqual(printed(checked(one), one.dockerfile.name), one.printed, `${one.name}: ${ours[one.name]}`);
  const messages = Object.fromEntries(corpus().filter(({ name }) => ours[name] !== undefined || name.startsWith('ours-')).map((one) => {
    const { buildError, warnings, unknownImages } = checked(one);
    const line = buildError?.location?.ranges?.[0]?.start.line;
    return [one.name, [...(warnings ?? []).map(({ ruleName, location }) => `${ruleName} ${location.ranges![0]!.start.line}`), ...buildError === undefined ? [] : [`${line}: ${buildError.message}`], ...unknownImages ?? []]];
  }));
  assert.deepEqual(messages, {
    'bad-brace': ['2: failed to process "${B": syntax error: missing \'}\''],
    'bad-copy-from-var': ['5: variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround'],
    'bad-directive-twice': ['2: only one escape parser directive can be used'],
    'bad-escape': ["1: invalid escape token 'x' does not match ` or \\"],
    'bad-long-line': ['2: dockerfile line greater than max allowed size of 65535'],
    'bad-stage-index': ['2: invalid stage index 5'],
    'lint-copy-exceptions': [],
    'lint-secrets': ['SecretsUsedInArgOrEnv 2', 'SecretsUsedInArgOrEnv 3', 'SecretsUsedInArgOrEnv 3', 'SecretsUsedInArgOrEnv 4', 'SecretsUsedInArgOrEnv 5'],
    'ours-bad-security': ['2: dockerfile parse error on line 2: security "insecur" is not valid'],
    'ours-copy-parents': [],
    'ours-nul': ['2: the line contains a NUL character'],
    'ours-security': [],
    'ours-skip-here': ['MaintainerDeprecated 4'],
    'ours-syntax': [],
    'ours-unknown-image': ['docker.io/library/not-here:1'],
  });
});

test('check() has a hint with the way out', () => {
  const hints = { 'FROM scratch\nENV A\n': 'Write ENV A=value', 'FROM scratch\nCOPY <<EOF /a\n': 'End it with a line of EOF alone', 'FROM scratch\napt-get update\n': 'End the line before it with a backslash, or begin this one with RUN' };
  for (const [text, hint] of Object.entries(hints)) assert.equal(check(asked(text), find).buildError?.hint, hint);
});

test('check() looks at the target alone when there is one, and takes build arguments', () => {
  const text = 'ARG BASE=scratch\nFROM $BASE AS a\nENV A=$NOPE\nFROM scratch AS b\nENV B=$ALSO\n';
  const rules = (rest: Partial<CheckRequest>): readonly string[] => (check(asked(text, rest), find).warnings ?? []).map(({ detail }) => detail);
  assert.deepEqual(rules({}), ["Usage of undefined variable '$NOPE'", "Usage of undefined variable '$ALSO'"]);
  assert.deepEqual(rules({ target: 'a' }), ["Usage of undefined variable '$NOPE'"]);
  assert.equal(check(asked(text, { target: 'c' }), find).buildError?.message, 'target stage "c" could not be found (did you mean a?)');
  assert.equal(check(asked(text, { buildArgs: new Map([['BASE', 'Bad']]) }), find).buildError?.location?.ranges?.[0]?.start.line, 2);
  assert.equal(check(asked('FROM scratch\nMAINTAINER me\n', { buildArgs: new Map([['BUILDKIT_DOCKERFILE_CHECK', 'skip=all']]) }), find).warnings, null);
});

const outlined = `ARG BASE=estiva-test/busybox:1
# GO go version
ARG GO=1.2
# build builds the thing
FROM $BASE AS build
ARG GO
ARG X=1
# Y is why
ARG Y
RUN --mount=type=secret,id=tok,required=true --mount=type=ssh --mount=type=cache,target=/c,id=cc echo $X
FROM scratch AS mid
COPY --from=build /a /b
# final is the end
FROM mid AS final
`;

test('outline() and targets() print what buildx prints', () => {
  assert.deepEqual(outlineLines(outline(asked(outlined), find)), [
    'TARGET:      final', 'DESCRIPTION: is the end', '', 'BUILD ARG   VALUE                   DESCRIPTION', 'BASE        estiva-test/busybox:1   ', 'GO          1.2                     go version', 'X           1                       ',
    'Y                                   is why', '', 'SECRET   REQUIRED', 'tok      true', '', 'SSH       REQUIRED', 'default   ', '',
  ]);
  assert.deepEqual(targetsLines(targets(asked(outlined))), ['TARGET          DESCRIPTION', 'build           builds the thing', 'mid             ', 'final (default) is the end']);
  assert.deepEqual(outline(asked(outlined, { target: 'mid' }), find).args?.map(({ name }) => name), ['BASE', 'GO', 'X', 'Y']);
  assert.deepEqual(outline(asked('FROM scratch\nCOPZ a b\n'), find).buildError, { message: 'dockerfile parse error on line 2: unknown instruction: COPZ (did you mean COPY?)', location: { ranges: [{ start: { line: 2 }, end: { line: 2 } }] } });
});
