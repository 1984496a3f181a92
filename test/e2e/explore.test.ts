// Images from within: estiva image layers, diff and efficiency, and the page that layers writes, in a real browser. Ours alone: Docker has none of it.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import type { Exploration, ImageDifference, ImageTree, PlatformTree } from '../../src/spec/estiva/exploration.ts';
import { command } from './command.ts';
import { busybox, openEngine, succeeded } from './engine.ts';

const engine = await openEngine();
const skip = !engine.ours && 'Docker does not look into images';
const browser = '/usr/bin/chromium';
const dir = mkdtempSync(join(tmpdir(), 'estiva-explore-'));
after(() => rmSync(dir, { recursive: true }));

const estiva = (...args: string[]) => command(resolve(import.meta.dirname, '../../bin/estiva'), args, { env: { ...process.env, DOCKER_HOST: engine.dockerHost, ESTIVA_HOST: engine.dockerHost } });

/** Commits what a script changed in `from` as `to`. */
async function committed(from: string, to: string, script: string): Promise<string> {
  const name = engine.unique('explore');
  succeeded(await engine.run(['--name', name, from, 'sh', '-c', script]));
  succeeded(await engine.docker(['commit', name, to]));
  succeeded(await engine.docker(['rm', name]));
  return to;
}

const first = engine.unique('first');
const second = engine.unique('second');

test('two commits are made of busybox', { skip }, async () => {
  await committed(busybox, first, 'mkdir /data; head -c 50000 /dev/zero >/data/big; cp /data/big /data/twin; echo 1 >/data/version; ln -s big /data/link; touch "/data/<b>bold"');
  await committed(first, second, 'rm /data/big; echo 2 >/data/version; chmod 600 /data/twin');
});

test('layers: what each added, changed and removed, what is wasted and what is there twice', { skip }, async () => {
  const { layers, wasted, wastedBytes } = JSON.parse(succeeded(await estiva('image', 'layers', '--format', 'json', second))) as Exploration;
  const files = (number: number) => layers[number - 1]!.files!.map(({ change, path, hiddenBy }) => `${change} ${path}${hiddenBy === undefined ? '' : ` (${hiddenBy})`}`);
  const [one, two] = [layers.length - 1, layers.length];
  assert.deepEqual(files(one), ['added /data', 'added /data/<b>bold', `added /data/big (${two})`, 'added /data/link', `added /data/twin (${two})`, `added /data/version (${two})`]);
  assert.deepEqual(files(two), ['removed /data/big', 'changed /data/twin', 'changed /data/version']);
  assert.deepEqual(wasted.map(({ path, layers: numbers, wastedBytes: bytes }) => [path, numbers, bytes]), [['/data/big', [one, two], 50000], ['/data/twin', [one, two], 50000], ['/data/version', [one, two], 2]]);
  assert.equal(wastedBytes, 100_002);
  const twice = (await engine.http('GET', `/images/${first}/estiva/layers`)).json() as Exploration;
  assert.deepEqual(twice.duplicates.find(({ sizeBytes }) => sizeBytes === 50000)?.files.map(({ path }) => path), ['/data/big', '/data/twin']);
  assert.equal(twice.layers[0]!.files, undefined, 'files only where they are asked for');
  assert.match(succeeded(await estiva('image', 'layers', second)), /wasted\n\nLAYER +SIZE +WASTED +ADDED +CHANGED +REMOVED +MADE BY\n1 [^]*\nWasted: [^]*50kB +layers \d+, \d+ +\/data\/big\n/);
  assert.match(succeeded(await estiva('image', 'layers', '--layer', String(two), second)), /\n {2}└─ data\/ {2}50kB\n- +├─ big {2}50kB gone\n~ +├─ twin {2}50kB\n~ +└─ version {2}2B\n/);
});

test('tree: from the name to its layers, and who else has them', { skip }, async () => {
  const [tree] = JSON.parse(succeeded(await estiva('image', 'tree', '--format', 'json', second))) as readonly ImageTree[];
  const [{ layers, platform, sizeBytes }] = tree!.platforms as [PlatformTree];
  assert.deepEqual([tree!.tags, tree!.platforms.length, platform.os], [[`${second}:latest`], 1, 'linux']);
  assert.deepEqual(layers.slice(-2).map(({ otherImages }) => otherImages), [1, 0], 'the other commit has all but the last');
  assert.equal(sizeBytes, layers.reduce((sum, layer) => sum + layer.sizeBytes, 0));
  const lines = succeeded(await estiva('image', 'tree', second)).trimEnd().split('\n');
  assert.match(lines[0]!, new RegExp(`^${second}:latest {2}[0-9a-f]{12}$`));
  assert.match(lines[1]!, /^└─ linux\/\w+ {2}[0-9a-f]{12} {2}\S+B$/);
  assert.match(lines.at(-1)!, new RegExp(`^ {3}└─ ${layers.length} +[0-9a-f]{12} +\\d\\S*B `));
  assert.ok(succeeded(await estiva('image', 'tree')).includes(`${first}:latest  `), 'without a name, all');
});

test('diff: files that differ in the finished images, by content and mode', { skip }, async () => {
  assert.deepEqual(succeeded(await estiva('image', 'diff', first, second)).trim().split('\n'), ['D /data/big  50kB', 'C /data/twin  50kB', 'C /data/version  2B']);
  assert.equal(succeeded(await estiva('image', 'diff', second, second)), '');
  const back = JSON.parse(succeeded(await estiva('image', 'diff', '--format', 'json', second, first))) as readonly ImageDifference[];
  assert.deepEqual(back.map(({ change, path }) => `${change} ${path}`), ['added /data/big', 'changed /data/twin', 'changed /data/version']);
});

test('efficiency: a number for people and for CI', { skip }, async () => {
  const { efficiency, sizeBytes, wastedBytes } = JSON.parse(succeeded(await estiva('image', 'efficiency', '--format', 'json', second))) as Exploration;
  assert.equal(efficiency, (sizeBytes - wastedBytes) / sizeBytes);
  assert.equal((await estiva('image', 'efficiency', '--min', '0.5', second)).code, 0);
  const low = await estiva('image', 'efficiency', '--min', '0.999', second);
  assert.deepEqual([low.code, /is below 0\.999/.test(low.stderr)], [1, true]);
  assert.equal((await estiva('image', 'efficiency', busybox)).stdout.split('\n')[0], `${busybox}: efficiency 100.0 %, 0B wasted`);
});

test('what cannot be answered is said', { skip }, async () => {
  for (const [args, text] of [[['layers', 'no-such-image'], /No such image: no-such-image:latest/], [['layers', '--layer', '99', busybox], /There is no layer 99: the image has layers 1 to \d/],
    [['layers', '--html', '/no/such/dir/x.html', busybox], /Cannot write the page to "\/no\/such\/dir\/x.html"/], [['diff', busybox], /requires 2 arguments/], [['efficiency', '--min', '95', busybox], /not a number from 0 to 1/], [['diff', '--format', 'yaml', busybox, busybox], /only "json" is known here/]] as const) {
    const outcome = await estiva('image', ...args);
    assert.notEqual(outcome.code, 0);
    assert.match(outcome.stderr, text);
  }
  assert.equal((await engine.http('GET', `/images/${first}/estiva/diff`)).status, 400);
});

test('the page of an image works in a browser, without a network, and takes no markup from the image', { skip: skip || (!existsSync(browser) && 'needs chromium') }, async () => {
  const path = join(dir, 'page.html');
  succeeded(await estiva('image', 'layers', '--html', path, second));
  assert.ok(readFileSync(path, 'utf8').includes('\\u003cb>bold'));
  const { chromium } = await import('playwright-core');
  const running = await chromium.launch({ executablePath: browser, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'] });
  try {
    const page = await running.newPage({ viewport: { width: 1200, height: 800 } });
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('console', (message) => { if (message.type() === 'error') trouble.push(message.text()); });
    page.on('request', (request) => { if (!request.url().startsWith('file:')) trouble.push(request.url()); });
    await page.goto(`file://${path}`);
    assert.equal(await page.textContent('h1'), `${second}:latest`);
    await page.click('summary:has-text("data/")');
    assert.deepEqual(await page.locator('.leaf .name').allTextContents(), ['big', 'twin', 'version']);
    await page.locator('#layers button').nth(-2).click();
    await page.fill('#search', 'bold');
    assert.deepEqual(await page.locator('.leaf .name').allTextContents(), ['<b>bold']);
    await page.fill('#search', '');
    await page.click('[data-view=wasted]');
    assert.match(await page.textContent('#view table') ?? '', /50 kB\d, \d\/data\/big/);
    if (process.env.ESTIVA_SCREENSHOT !== undefined) await page.screenshot({ path: process.env.ESTIVA_SCREENSHOT });
    assert.deepEqual(trouble, []);
  } finally {
    await running.close();
  }
});

test('the images go', { skip }, async () => {
  succeeded(await engine.docker(['rmi', second, first]));
});
