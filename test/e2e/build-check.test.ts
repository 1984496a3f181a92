// A look at Dockerfiles: check, outline and targets. Against dockerd it is docker-buildx that looks (ESTIVA_BUILDX names it; where there is none,
// those tests are skipped); against ours, `estiva build`. The corpus has what buildx printed, so both are laid beside the same texts.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { corpus, corpusDir, ours } from '../fixtures/dockerfiles.ts';
import { command, type CommandOptions, type Outcome } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const buildx = [process.env.ESTIVA_BUILDX, ...['/usr/libexec/docker/cli-plugins', '/usr/lib/docker/cli-plugins', '/var/tmp/peer-dockerd/clients/usr/libexec/docker/cli-plugins'].map((one) => join(one, 'docker-buildx'))].find((path) => path !== undefined && existsSync(path));
const skip = !engine.ours && buildx === undefined && 'There is no docker-buildx here';
const oursOnly = !engine.ours && 'Ours alone: the endpoint, and what the command line says of it';
const dir = mkdtempSync(join(tmpdir(), 'estiva-check-'));
after(() => rmSync(dir, { recursive: true }));

/** `build` with these arguments, seen from the corpus. */
function build(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const where = { cwd: corpusDir, ...options };
  if (!engine.ours) return command(buildx!, ['build', '--progress=quiet', ...args], { ...where, env: { ...process.env, DOCKER_HOST: engine.dockerHost } });
  return command(resolve(import.meta.dirname, '../../bin/estiva'), ['build', ...args], { ...where, env: { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost } });
}

/** What was printed, as the corpus keeps it: from the first line of the mistake on, without blank lines, and without our hints. */
function printed({ code, stdout, stderr }: Outcome, hints: readonly string[] = []): string {
  const fault = /^ERROR: [^]*/m.exec(stderr)?.[0] ?? '';
  return [...`${stdout}\n${fault}`.split('\n').filter((line) => line !== '' && !hints.includes(line)), `exit ${code}`].map((line) => `${line}\n`).join('');
}

const shown = corpus().filter(({ name, printed: text }) => text !== undefined && ours[name] === undefined);

test('check prints of a Dockerfile what buildx prints of it: warnings, mistakes, lines, exit code', { skip }, async () => {
  for (const { name, printed: expected } of shown.filter((_, i) => i % 10 === 0)) {
    const outcome = await build(['--check', '-f', `${name}.Dockerfile`, dir]);
    const hint = engine.ours ? outcome.stderr.trimEnd().split('\n').at(-1)! : '';
    assert.equal(printed(outcome, /^(--|ERROR)/.test(hint) ? [] : [hint]), expected, name);
  }
});

test('the endpoint says of all the corpus what buildx says', { skip: oursOnly }, async () => {
  for (const { name, dockerfile, ignoreFile, printed: expected } of shown) {
    const answer = await engine.http('POST', '/estiva/build/check', { call: 'check', dockerfile, ignoreFile: ignoreFile ?? null, buildArgs: {}, target: '', platform: 'linux/amd64' });
    const { warnings, buildError } = answer.json() as { warnings: readonly { readonly ruleName: string }[] | null; buildError?: { readonly message: string } };
    assert.deepEqual((warnings ?? []).map(({ ruleName }) => ruleName), [...expected!.matchAll(/^WARNING: (\w+) /gm)].map(([, rule]) => rule), name);
    assert.equal(buildError?.message, /^ERROR: (.*)$/m.exec(expected!)?.[1], name);
  }
});

test('check knows the variables of images that are here', { skip }, async () => {
  const image = engine.unique('checked');
  succeeded(await engine.docker(['import', '-c', 'ENV GREETING=hi', '-', image], { input: Buffer.alloc(1024) }));
  const check = (text: string): Promise<Outcome> => build(['--check', '-'], { input: text });
  assert.deepEqual([(await check(`FROM ${image}\nENV A=$GREETING\n`)).code, (await check(`FROM ${busybox}\nENV A=$GREETING\n`)).code], [0, 1]);
  assert.match((await check(`FROM ${image}\nENV A=$GREETINGS\n`)).stdout, /\nUsage of undefined variable '\$GREETINGS' \(did you mean \$GREETING\?\)\n/);
  succeeded(await engine.docker(['rmi', image]));
});

test('check takes build arguments, a target, and the .dockerignore of the Dockerfile before that of the context', { skip }, async () => {
  const context = join(dir, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), '# check=experimental=all\nARG BASE=scratch\nFROM $BASE AS a\nCOPY secret ok /\nFROM scratch AS b\nENV A b\n');
  writeFileSync(join(context, '.dockerignore'), 'secret\n');
  const check = async (...args: string[]): Promise<string> => printed(await build(['--check', ...args, context]));
  assert.match(await check('--target', 'a'), /^Check complete, 1 warning has been found!\nWARNING: CopyIgnoredFile [^]*file "secret" that/);
  assert.match(await check('--target', 'b'), /^Check complete, 1 warning has been found!\nWARNING: LegacyKeyValueFormat /);
  assert.match(await check('--build-arg', 'BASE=Upper'), /^ERROR: failed to parse stage name "Upper": invalid reference format: repository name \(library\/Upper\) must be lowercase\n/m);
  assert.match(await check('--target', 'c'), /^ERROR: target stage "c" could not be found/m);
  writeFileSync(join(context, 'Dockerfile.dockerignore'), 'ok\n');
  assert.match(await check('--target', 'a'), /file "ok" that/);
});

test('outline and targets print what buildx prints', { skip }, async () => {
  const text = 'ARG BASE=scratch\n# V is the version\nARG V=1\n# app is it\nFROM $BASE AS app\nARG V\nRUN --mount=type=secret,id=tok,required=true --mount=type=ssh true\nFROM app\nARG LATE\n';
  writeFileSync(join(dir, 'Outline.Dockerfile'), text);
  const look = async (call: string): Promise<string> => succeeded(await build([`--call=${call}`, '-f', join(dir, 'Outline.Dockerfile'), dir])).trim();
  assert.equal(await look('targets'), 'TARGET    DESCRIPTION\napp       is it\n(default)');
  assert.match(await look('outline'), /BUILD ARG +VALUE +DESCRIPTION *\nBASE +scratch *\nV +1 +is the version *\nLATE *\n\nSECRET +REQUIRED *\ntok +true *\n\nSSH +REQUIRED *\ndefault$/);
  const { targets } = JSON.parse(await look('targets,format=json')) as { readonly targets: readonly { readonly name?: string; readonly default?: boolean; readonly base: string }[] };
  assert.deepEqual(targets.map(({ name, default: isDefault, base }) => [name, isDefault, base]), [['app', undefined, '$BASE'], [undefined, true, 'app']]);
});

test('what is not there yet is refused by name, and what is wrong with its reason', { skip: oursOnly }, async () => {
  const refused: readonly (readonly [args: readonly string[], err: RegExp, input?: Uint8Array])[] = [
    [['--check', '--builder=x', '.'], /^--builder is not there yet in Estiva/],
    [['--call=nope', '.'], /unknown call "nope": it is one of check, outline, targets/], [['--call=check,format=xml', '.'], /invalid option "format=xml": only format=json/], [['--check'], /requires 1 argument/],
    [['--check', join(dir, 'nowhere')], /^ERROR: failed to read dockerfile: open .*nowhere\/Dockerfile: no such file or directory\n$/], [['--check', 'https://example.com/x.git'], /^ERROR: a context elsewhere/],
    [['--check', '-'], /^ERROR: an archive on stdin comes later/, Buffer.from([0x1f, 0x8b, 8, 0])], [['--check', '--platform', 'windows/amd64', '-f', 'plain.Dockerfile', '.'], /operating system is not supported/],
  ];
  for (const [args, err, input] of refused) {
    const { code, stderr } = await build(args, input === undefined ? {} : { input });
    assert.ok(code > 0, args.join(' '));
    assert.match(stderr, err);
  }
});

test('the endpoint refuses what is no request, and answers what is endless', { skip: oursOnly }, async () => {
  const post = async (body: unknown): Promise<readonly [number, string]> => { const answer = await engine.http('POST', '/estiva/build/check', body as Record<string, unknown>); return [answer.status, JSON.stringify(answer.json()).slice(0, 200)]; };
  const asked = (text: string): unknown => ({ call: 'check', dockerfile: { name: 'Dockerfile', text } });
  assert.deepEqual(await post({ call: 'build', dockerfile: { name: 'x', text: '' } }), [400, '{"message":"call: expected one of \\"check\\", \\"outline\\", \\"targets\\""}']);
  assert.deepEqual(await post({ call: 'check' }), [400, '{"message":"dockerfile: expected a value: it is required"}']);
  assert.equal((await post(asked('x'.repeat(5 << 20))))[0], 413);
  assert.match((await post(asked(`FROM scratch\nENV A=${'x'.repeat(3 << 20)}`)))[1], /^\{"warnings":null,"sources"/);
  assert.match((await post(asked('')))[1], /"buildError":\{"message":"file with no instructions"/);
  assert.match((await post(asked('FROM scratch\nENV A=\0\n')))[1], /"sources"/);
});
