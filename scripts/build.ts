// Bundles what ships: one CommonJS directory, dist/, with an entry per process and the chunks that they share or load when needed.
// CommonJS because it starts fastest; not minified because a person should be able to read a stack trace.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

const mains = ['src/bin/estiva.ts', 'src/bin/estivad.ts', 'src/bin/supervisor.ts', 'src/storage/unpack-worker.ts'];
const outDir = 'dist';

const missing = mains.filter((main) => !existsSync(main));
if (missing.length > 0) console.error(`build: not there yet, so not bundled: ${missing.join(', ')}`);
const input = Object.fromEntries(mains.filter((main) => existsSync(main)).map((main) => [basename(main, '.ts'), main]));
if (Object.keys(input).length === 0) {
  console.error('build: nothing to bundle');
  process.exitCode = 1;
} else {
  await bundle(input, process.argv.includes('--sourcemap'));
}

async function bundle(entries: Record<string, string>, sourcemap: boolean): Promise<void> {
  const began = performance.now();
  rmSync(outDir, { recursive: true, force: true });
  await using build = await rolldown({ input: entries, platform: 'node', logLevel: 'warn' });
  await build.write({
    dir: outDir, format: 'cjs', minify: false, sourcemap,
    entryFileNames: '[name].cjs', chunkFileNames: 'chunk-[name]-[hash].cjs',
  });
  const files = readdirSync(outDir).filter((file) => file.endsWith('.cjs'));
  const bytes = files.reduce((sum, file) => sum + statSync(join(outDir, file)).size, 0);
  console.log(`build: ${outDir}/ ${files.length} files, ${(bytes / 1000).toFixed(0)} kB, ${((performance.now() - began) / 1000).toFixed(2)} s`);
}
