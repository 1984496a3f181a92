// Our command line beside docker's own, the same words against the same daemon: what they print and how they end must be the same, line by
// line. Ids and times are made alike first. What differs on purpose is in `different`, with the reason; a difference that is not there, or one
// that is there and has gone, fails.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { which } from '../fixtures/cache.ts';
import { command, type Outcome } from './command.ts';
import { busybox, openEngine } from './engine.ts';

const engine = await openEngine();
const estivaPath = resolve(import.meta.dirname, '../../bin/estiva');
const dockerPath = which('docker');
const dir = mkdtempSync(join(tmpdir(), 'estiva-same-'));
const [one, two] = [engine.unique('one'), engine.unique('two')];

before(async () => {
  await engine.run(['-d', '--name', one, '--label', 'kind=test', '-e', 'A=b', busybox, 'sh', '-c', 'echo out; echo err >&2; exec sleep 600']);
  await engine.run(['--name', two, '--label', 'kind=test', busybox, 'sh', '-c', 'exit 3']);
  writeFileSync(join(dir, 'no-tar'), 'this is no archive');
});
after(async () => {
  await engine.docker(['rm', '-f', one, two]);
  rmSync(dir, { recursive: true });
});

/** One a line; words are split at spaces, `+` stands for a space within one. */
const lines = `
ps --filter label=kind=test
ps -a --filter label=kind=test
ps -aq --filter label=kind=test
ps -a --no-trunc --filter label=kind=test
ps -aq --no-trunc --filter label=kind=test
ps --filter nonsense
ps --filter no=such
ps -n 1 --filter label=kind=test
ps -l
ps extra
ps --bogus
ps -x
ps --format
ps -a --filter label=kind=test --format {{.Names}}
ps -a --filter label=kind=test --format {{.ID}}:{{.Status}}
ps -a --filter label=kind=test --format table+{{.Names}}\\t{{.Image}}
ps -a --filter label=kind=test --format table+{{.Names}}\\t{{.Label+"kind"}}
ps -a --filter label=kind=test --format json
ps -a --filter label=kind=test --format {{json+.Names}}
ps -a --filter label=kind=test --format {{upper+.Names}}|{{title+.State}}|{{lower+.Image}}
ps -a --filter label=kind=test --format {{range+split+.Names+"-"}}{{.}};{{end}}
ps -a --filter label=kind=test --format {{if+eq+.State+"running"}}yes{{else}}no{{end}}
ps -a --filter label=kind=test --format {{with+$x+:=+.State}}{{$x}}{{end}}{{pad+.State+1+2}}|
ps -a --filter label=kind=test --format {{println+.State}}{{printf+"%-8s|"+.State}}
ps -a --filter label=kind=test --format {{define+"n"}}<{{.State}}>{{end}}{{template+"n"+.}}
ps -a --filter label=kind=test --format {{block+"b"+.}}[{{.State}}]{{end}}
ps -a --filter label=kind=test --format {{template+"none"}}
ps -a --format {{.Nope}}
ps -a --format {{.Names
ps -a --format {{nope+.Names}}
images ${busybox}
images -q ${busybox}
images --no-trunc ${busybox}
images --digests ${busybox}
images --format {{.Repository}}|{{.Tag}}|{{.Size}} ${busybox}
images --format json ${busybox}
images no-such-image
images a b
images --filter no=such
inspect --format {{.State.Status}} ${one} ${two}
inspect --format {{json+.Config.Cmd}} ${one}
inspect --format {{.Config.Labels.kind}}:{{index+.Config.Labels+"kind"}} ${one}
inspect --format {{range+.Config.Env}}{{.}},{{end}} ${one}
inspect --format {{join+.Config.Cmd+"_"}} ${one}
inspect --format {{.Nope}} ${one}
inspect --format {{.State.Nope}} ${one}
inspect --format {{ ${one}
inspect --type image ${one}
inspect --type nonsense ${one}
inspect no-such-thing
inspect ${one} no-such-thing
inspect
container inspect no-such-thing
image inspect no-such-image
logs ${one}
logs --tail 1 ${one}
logs --since 2000-01-01 ${one}
logs --since nonsense ${one}
logs no-such-thing
logs
exec ${one} echo hello
exec ${one} sh -c exit+7
exec ${one} no-such-program
exec ${one}
exec no-such-thing true
exec ${two} true
exec -w /no/such ${one} true
exec -e A=c ${one} sh -c echo+$A
exec -u no-such-user ${one} true
run --rm --network none ${busybox} echo hello
run --rm --network none ${busybox} sh -c exit+9
run --rm --network none ${busybox} no-such-program
run --rm --network none ${busybox} /etc
run --rm --network none -m 1 ${busybox} true
run --rm --network none -m nonsense ${busybox} true
run --rm --network none --cpus 99 ${busybox} true
run --rm --network none --user no-such-user ${busybox} id
run --rm --network none --pid container:no-such ${busybox} true
run --rm --network none --name ${one} ${busybox} true
run --rm --network none --name !bad ${busybox} true
run --rm --network none -it ${busybox} true
run --rm --network none -d -a stdout ${busybox} true
run --env-file /no/such/file ${busybox} true
run
kill ${two}
kill no-such-thing
kill -s NOPE ${one}
stop no-such-thing
start no-such-thing
start ${one}
rm ${one}
rm no-such-thing
rm -f no-such-thing
rmi no-such-image
wait ${two}
wait no-such-thing
attach ${two}
attach no-such-thing
tag no-such-image x:1
tag ${busybox} UPPER:1
tag ${busybox}
load -i /no/such/file
version --format {{.Server.Os}}
info --format {{.OSType}}
container nope
context ls -q
context use no-such-context
`.trim().split('\n').map((line) => line.replaceAll('\\\\', '\\'));

/** The start of a line → why the two may differ. */
const different: Readonly<Record<string, string>> = {
  'images a b': 'docker 28 begins the last line with a slip of the pen: "SRun"',
  'inspect --type nonsense': 'the kinds of objects that are not there yet are not offered',
};

async function outcome(program: string, line: string): Promise<Outcome> {
  const words = line.split(' ').map((word) => word.replaceAll('+', ' '));
  const env = { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: '', ESTIVA_RUN: '', DOCKER_CLI_HINTS: 'false', DOCKER_CONFIG: dir };
  const { code, stdout, stderr } = await command(program, words, { env, cwd: dir });
  // The width of a column follows its times.
  const narrow = (text: string): string => (line.startsWith('ps') ? text.replaceAll(/ {2,}/g, '  ') : text);
  return { code, stdout: narrow(alike(stdout)), stderr: alike(stderr) };
}

/** Names, ids and times that must differ. */
function alike(text: string): string {
  return text.replaceAll(/\bestiva(: '|: | (?=[a-z]+ [A-Z[]|[a-z]+'|[a-z]+ --help|container|context))/g, 'docker$1').replaceAll(/'estiva\b/g, "'docker").replaceAll(/\bestiva (?=\w+)/g, 'docker ')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID').replaceAll(/\d+(\.\d+)? (seconds?|minutes?)|Less than a second|About a minute/g, 'TIME').replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^ "]*/g, 'WHEN');
}

const skip = dockerPath === undefined && 'docker\'s client is not installed';
for (const line of lines) {
  test(`the same as docker: ${line}`, { skip }, async () => {
    const [docker, estiva] = [await outcome(dockerPath ?? '', line), await outcome(estivaPath, line)];
    const why = Object.entries(different).find(([start]) => line.startsWith(start))?.[1];
    if (why === undefined) assert.deepEqual(estiva, docker);
    else assert.notDeepEqual(estiva, docker, `${why}: it no longer differs`);
  });
}
