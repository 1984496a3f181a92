// Bundles what ships into dist/:
//
//   estiva.cjs               the command line, whole: one file loads in half the time of six
//   estiva-runtime.cjs       the OCI runtime's program, whole: it is started for every step of a container's life
//   daemon-<content>/        the daemon, its supervisor and its worker, each whole
//
// CommonJS because it starts fastest; not minified because a person should be able to read a stack trace. A daemon that runs starts its
// supervisor and its workers from files beside its own: its directory is named by what is in it, and stays for a few builds, so that a build
// never changes code under a running daemon.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';

const outDir = 'dist';
/** How many daemons of earlier builds stay. */
const keptDaemons = 5;
const daemonMains = ['src/bin/estivad.ts', 'src/bin/supervisor.ts', 'src/storage/unpack-worker.ts'];

const began = performance.now();
mkdirSync(outDir, { recursive: true });
const daemon = await buildDaemon();
await bundle('src/bin/estiva.ts', `${outDir}/estiva.cjs.new`, { './estivad.ts': `./${daemon}/estivad.cjs` });
renameSync(`${outDir}/estiva.cjs.new`, `${outDir}/estiva.cjs`);
await bundle('src/bin/runtime.ts', `${outDir}/estiva-runtime.cjs.new`);
renameSync(`${outDir}/estiva-runtime.cjs.new`, `${outDir}/estiva-runtime.cjs`);
removeOld(daemon);
const bytes = [`${outDir}/estiva.cjs`, `${outDir}/estiva-runtime.cjs`, ...daemonMains.map((main) => `${outDir}/${daemon}/${basename(main, '.ts')}.cjs`)].map((file) => statSync(file).size);
console.log(`build: ${outDir}/ ${bytes.map((size) => `${(size / 1000).toFixed(0)} kB`).join(', ')}, ${((performance.now() - began) / 1000).toFixed(2)} s`);

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

/** One file from `main` with all it imports, but for `apart`: those stay imports of the file given. */
async function bundle(main: string, file: string, apart: Readonly<Record<string, string>> = {}): Promise<void> {
  const leave: Plugin = { name: 'apart', resolveId: (source) => (apart[source] === undefined ? null : { id: apart[source], external: true }) };
  await using build = await rolldown({ input: main, platform: 'node', logLevel: 'warn', plugins: [leave], treeshake: { moduleSideEffects: (id) => id.includes('/bin/') } });
  await build.write({ file, format: 'cjs', minify: false, codeSplitting: false, sourcemap: process.argv.includes('--sourcemap') });
}

function removeOld(current: string): void {
  utimesSync(join(outDir, current), new Date(), new Date());
  const others = readdirSync(outDir).filter((name) => name !== current && !name.endsWith('.cjs'));
  const daemons = others.filter((name) => name.startsWith('daemon-')).toSorted((a, b) => statSync(join(outDir, b)).mtimeMs - statSync(join(outDir, a)).mtimeMs);
  const kept = new Set(daemons.slice(0, keptDaemons));
  for (const name of others) if (!kept.has(name)) rmSync(join(outDir, name), { recursive: true, force: true });
}
