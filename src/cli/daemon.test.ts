import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { startDaemon } from './daemon.ts';

// Like the daemon: a second one on the same socket loses and ends; the first ends when the test takes its directory away.
const daemonSource = `
const [command, ...flags] = process.argv.slice(2);
const run = flags[flags.indexOf('--run') + 1];
console.log(command, flags.join(' '));
require('node:fs').mkdirSync(run + '/lock');
setTimeout(() => require('node:net').createServer().listen(run + '/estiva.sock'), 100);
setInterval(() => require('node:fs').existsSync(run) || process.exit(0), 50);
setTimeout(() => process.exit(0), 60_000);
`;

async function eventually<T>(look: () => T, isDone: (value: T) => boolean): Promise<T> {
  for (let looks = 0; ; looks++) {
    const value = look();
    if (isDone(value) || looks === 100) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('startDaemon() waits for the socket, also when another one has won', async () => {
  const runDir = mkdtempSync(`${tmpdir()}/estiva-run-`);
  writeFileSync(`${runDir}/daemon.cjs`, daemonSource);
  const start = { runDir, rootDir: '/data', socket: `${runDir}/estiva.sock`, program: [process.execPath, `${runDir}/daemon.cjs`] };
  await Promise.all([startDaemon(start), startDaemon(start)]);
  // Both return once somebody listens; the one that loses may still be on its way.
  const log = await eventually(() => readFileSync(`${runDir}/daemon.log`, 'utf8'), (text) => text.includes('EEXIST'));
  assert.equal(log.match(/^daemon --root \/data --run /gm)?.length, 2);
  rmSync(runDir, { recursive: true });
});

test('startDaemon() shows the end of the log when the daemon does not come up', async () => {
  const runDir = mkdtempSync(`${tmpdir()}/estiva-run-`);
  writeFileSync(`${runDir}/daemon.cjs`, 'console.error("no room on the disk"); process.exitCode = 1;');
  const start = { runDir, rootDir: undefined, socket: `${runDir}/estiva.sock`, program: [process.execPath, `${runDir}/daemon.cjs`], otherMsMax: 20 };
  await assert.rejects(startDaemon(start), { kind: 'unavailable', message: `Cannot start the daemon: ${runDir}/estiva.sock does not answer`, hint: `The end of ${runDir}/daemon.log:\nno room on the disk` });
  rmSync(runDir, { recursive: true });
});
