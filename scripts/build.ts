// Bundles what ships into dist/:
//
//   estiva.cjs               the command line, whole: one file loads in half the time of six
//   estiva-runtime.cjs       the OCI runtime's program, whole: it is started for every step of a container's life
//   daemon-<content>/        the daemon, its supervisor, its workers, and the library, each whole
//   library.cjs, client.cjs  what `import 'estiva'` and `import 'estiva/client'` get
//   types/                   their types, with --release only
//
// CommonJS because it starts fastest; not minified because a person should be able to read a stack trace. A daemon that runs starts its
// supervisor and its workers from files beside its own: its directory is named by what is in it, and stays for a few builds, so that a build
// never changes code under a running daemon.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';

const outDir = 'dist';
/** How many daemons of earlier builds stay. */
const keptDaemons = 5;
const daemonMains = ['src/bin/estivad.ts', 'src/bin/supervisor.ts', 'src/storage/unpack-worker.ts', 'src/storage/pack-worker.ts', 'src/storage/copy-worker.ts', 'src/volume/mount-worker.ts', 'src/library/index.ts'];
const isRelease = process.argv.includes('--release');

const began = performance.now();
if (isRelease) rmSync(outDir, { recursive: true, force: true });
mkdirSync(outDir, { recursive: true });
const daemon = await buildDaemon();
await bundle('src/bin/estiva.ts', `${outDir}/estiva.cjs.new`, { './estivad.ts': `./${daemon}/estivad.cjs` }, [lateBuiltIns()]);
renameSync(`${outDir}/estiva.cjs.new`, `${outDir}/estiva.cjs`);
await bundle('src/bin/runtime.ts', `${outDir}/estiva-runtime.cjs.new`);
renameSync(`${outDir}/estiva-runtime.cjs.new`, `${outDir}/estiva-runtime.cjs`);
await bundle('src/client/index.ts', `${outDir}/client.cjs`);
writeFileSync(`${outDir}/library.cjs`, libraryDoor(daemon));
if (isRelease) execFileSync('tsc', ['-p', 'tsconfig.types.json'], { stdio: 'inherit' });
removeOld(daemon);
console.log(`build: ${outDir}/estiva.cjs ${kilobytes('estiva.cjs')}, estiva-runtime.cjs ${kilobytes('estiva-runtime.cjs')}, ${daemon}/ ${kilobytes(daemon)}, ${((performance.now() - began) / 1000).toFixed(2)} s`);

/** The library needs what only Node 26 has: on another one it says so, and not "No such built-in module". */
function libraryDoor(directory: string): string {
  return `if (Number(process.versions.node.split('.')[0]) < 26) throw new Error('Estiva needs Node 26, and this is ' + process.version + ': run the program with node_modules/.bin/node');
module.exports = require('./${directory}/index.cjs');
`;
}

/** Of a file, or of all files of a directory. */
function kilobytes(name: string): string {
  const path = join(outDir, name);
  const files = statSync(path).isDirectory() ? readdirSync(path).map((file) => join(path, file)) : [path];
  return `${(files.reduce((sum, file) => sum + statSync(file).size, 0) / 1000).toFixed(0)} kB`;
}

/** @returns the directory's name in dist/. */
async function buildDaemon(): Promise<string> {
  const making = `${outDir}/making-${process.pid}`;
  for (const main of daemonMains) await bundle(main, `${making}/${basename(main, '.ts')}.cjs`);
  const hash = createHash('sha256');
  for (const file of readdirSync(making).toSorted()) hash.update(readFileSync(join(making, file)));
  const name = `daemon-${hash.digest('hex').slice(0, 12)}`;
  rmSync(`${outDir}/${name}`, { recursive: true, force: true });
  renameSync(making, `${outDir}/${name}`);
  return name;
}

/**
 * Node's own modules are loaded where they are used, not at the top of the file: one file holds all commands, and a command that speaks to a registry
 * must not cost every other one the loading of HTTPS and compression (60 ms of each start).
 */
function lateBuiltIns(): Plugin {
  return { name: 'late built-ins', renderChunk: (code) => {
    const names = new Map([...code.matchAll(/^let (node_\w+) = require\("(node:[\w/]+)"\);$/gm)].map(([, name, module]) => [name!, module!]));
    const used = code.replaceAll(/\bnode_\w+\b(?=\.)/g, (name) => (names.has(name) ? `require("${names.get(name)}")` : name));
    return used.replaceAll(/^let (node_\w+) = require\("node:[\w/]+"\);\n/gm, (line, name: string) => (new RegExp(`\\b${name}\\b`).test(used.replace(line, '')) ? line : ''));
  } };
}

/** One file from `main` with all it imports, but for `apart`: those stay imports of the file given. */
async function bundle(main: string, file: string, apart: Readonly<Record<string, string>> = {}, plugins: readonly Plugin[] = []): Promise<void> {
  const leave: Plugin = { name: 'apart', resolveId: (source) => (apart[source] === undefined ? null : { id: apart[source], external: true }) };
  await using build = await rolldown({ input: main, platform: 'node', logLevel: 'warn', plugins: [leave, ...plugins], treeshake: { moduleSideEffects: (id) => id.includes('/bin/') } });
  await build.write({ file, format: 'cjs', minify: false, codeSplitting: false, sourcemap: process.argv.includes('--sourcemap') });
}

function removeOld(current: string): void {
  utimesSync(join(outDir, current), new Date(), new Date());
  const others = readdirSync(outDir).filter((name) => name !== current && !['estiva.cjs', 'estiva-runtime.cjs', 'client.cjs', 'library.cjs', 'types'].includes(name));
  const daemons = others.filter((name) => name.startsWith('daemon-')).toSorted((a, b) => statSync(join(outDir, b)).mtimeMs - statSync(join(outDir, a)).mtimeMs);
  const kept = new Set(daemons.slice(0, keptDaemons));
  for (const name of others) if (!kept.has(name)) rmSync(join(outDir, name), { recursive: true, force: true });
}
