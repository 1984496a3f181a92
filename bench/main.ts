// npm run bench [-- --only NAME,… --runs N --many N --watched N --json FILE]: each figure of ours beside its peers, interleaved; a table, and JSON.
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { apiCases } from './api-cases.ts';
import { buildCases } from './build-cases.ts';
import { openEngines } from './engines.ts';
import { fileCases } from './file-cases.ts';
import type { BenchCase, Figures } from './measure.ts';
import { imageCases } from './image-cases.ts';
import { measure } from './measure.ts';
import { mountCases } from './mount-cases.ts';
import { networkCases } from './network-cases.ts';
import { processCases } from './process-cases.ts';
import { runtimeCase } from './runtime-case.ts';
import { scaleCases } from './scale-cases.ts';
import { volumeCases } from './volume-cases.ts';
import { watchCases } from './watch-cases.ts';

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, runs: { type: 'string' }, many: { type: 'string', default: '500' }, watched: { type: 'string', default: '500' }, idle: { type: 'string', default: '100' }, json: { type: 'string' }, list: { type: 'boolean' } },
});
const engines = flags.list === true ? [] : await openEngines();
const results: { readonly bench: BenchCase; readonly figures: readonly Figures[] }[] = [];
try {
  const all = [...apiCases(engines), runtimeCase, ...processCases(engines), ...fileCases(engines), ...scaleCases(engines, { many: number('many', flags.many), idle: number('idle', flags.idle) }), ...watchCases(engines, { watched: number('watched', flags.watched) }), ...imageCases(engines), ...networkCases(engines), ...mountCases(engines), ...volumeCases(engines), ...buildCases(engines)];
  if (flags.list === true) for (const bench of all) console.log(`${bench.name.padEnd(18)} ${bench.what}`);
  else for (const bench of chosen(all)) await runCase(bench);
} finally {
  for (const engine of engines) await engine.close();
}
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report(), undefined, 2)}\n`);

async function runCase(bench: BenchCase): Promise<void> {
  console.log(`\n${bench.name}: ${bench.what} (ours: ${bench.promise})`);
  const figures = await measure(bench, bench.runs > 1 && flags.runs !== undefined ? number('runs', flags.runs) : bench.runs);
  results.push({ bench, figures });
  console.log(`  ${''.padEnd(22)} ${'median'.padStart(10)} ${'p99'.padStart(10)} ${'min'.padStart(10)}  runs`);
  for (const row of figures) console.log(`  ${row.subject.padEnd(22)} ${[row.median, row.p99, row.min].map((value) => cell(value, bench)).join(' ')}  ${row.runs}`);
}

function cell(value: number, bench: BenchCase): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ${bench.unit}`.padStart(10);
}

function chosen(all: readonly BenchCase[]): readonly BenchCase[] {
  if (flags.only === undefined) return all;
  const names = flags.only.split(',');
  const unknown = names.find((name) => !all.some((bench) => bench.name === name));
  if (unknown !== undefined) throw new Error(`No bench is called "${unknown}"; there are: ${all.map((bench) => bench.name).join(', ')}`);
  return all.filter((bench) => names.includes(bench.name));
}

function number(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${flag} wants a number, not "${text}"`);
  return Number(text);
}

function report(): unknown {
  return {
    at: new Date().toISOString(),
    machine: { cpus: availableParallelism(), model: cpus()[0]?.model, memoryBytes: totalmem(), kernel: release(), node: process.version },
    cases: results.map(({ bench, figures }) => ({ name: bench.name, what: bench.what, promise: bench.promise, unit: bench.unit, figures })),
  };
}
