// Programs that ask for trouble from inside: floods, lines without an end, execs at the worst moment. Each ends in the
// right answer, and afterwards the daemon holds what it held before.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openFiles } from '../e2e/census.ts';
import { busybox, openEngine, succeeded, until } from '../e2e/engine.ts';

const engine = await openEngine();
const skip = !engine.ours && 'another engine\'s weaknesses are not ours to test';
const MiB = 1024 * 1024;
const remove = async (...ids: string[]): Promise<void> => { succeeded(await engine.docker(['rm', '-f', ...ids], { timeoutMs: 15_000 })); };
const residentBytes = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.daemon!.pid}/status`, 'utf8'))![1]) * 1024;
const descriptors = (): number => [...openFiles(engine.daemon!.pid).values()].reduce((sum, one) => sum + one, 0);
const wait = async (id: string): Promise<void> => { await engine.http('POST', `/containers/${id}/wait`, undefined, { timeoutMs: 60_000 }); };

async function exec(id: string, config: Record<string, unknown>): Promise<{ readonly status: number; readonly text: string; readonly id: string }> {
  const answer = await engine.http('POST', `/containers/${id}/exec`, { AttachStdout: false, ...config });
  return { status: answer.status, text: answer.text, id: answer.status === 201 ? (answer.json() as { Id: string }).Id : '' };
}

test('40 MB of environment are too much, and said to be', { skip }, async () => {
  const before = residentBytes();
  const Env = Array.from({ length: 40 }, (_, i) => `V${i}=${'x'.repeat(MiB)}`);
  // The body is refused before it is read to its end: the connection may be closed under the writer.
  const answer = await engine.http('POST', '/containers/create', { Image: busybox, Env }).catch((error: unknown) => ({ status: ['EPIPE', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '') ? 413 : 0, text: String(error) }));
  assert.equal(answer.status, 413, answer.text.slice(0, 200));
  assert.ok(residentBytes() - before < 100 * MiB);
});

test('an environment that the kernel does not take is an error of the start', { skip }, async () => {
  const id = await engine.create({ Cmd: ['true'], Env: [`BIG=${'x'.repeat(200_000)}`] });
  const started = await engine.http('POST', `/containers/${id}/start`);
  assert.ok(started.status >= 400 && started.status < 500, `${started.status} ${started.text}`);
  assert.match(started.text, /argument list too long/i);
  await remove(id);
});

test('exec into a container that ends at that moment: done, or said to be too late', { skip, timeout: 60_000 }, async () => {
  const before = descriptors();
  for (let round = 0; round < 15; round++) {
    const id = await engine.start([busybox, 'sh', '-c', `sleep 0.0${round % 10}`]);
    const outcomes = await Promise.all(Array.from({ length: 6 }, async () => {
      const made = await exec(id, { Cmd: ['true'] });
      if (made.status !== 201) return made.status;
      return (await engine.http('POST', `/exec/${made.id}/start`, { Detach: true })).status;
    }));
    // 409: it was too late before the launch; 400: in the middle of it; 404: the exec is forgotten with its container.
    assert.ok(outcomes.every((status) => [200, 400, 404, 409].includes(status)), outcomes.join());
    await wait(id);
    await remove(id);
  }
  await until('descriptors as before', () => descriptors() <= before + 2);
});

const execs = 2000;

test(`${execs} execs that leave children behind: nothing of them is left in the daemon`, { skip, timeout: 30_000 + execs * 100 }, async () => {
  const id = await engine.start(['--init', busybox, 'sleep', '1000']);
  await engine.docker(['exec', id, 'true']);
  const before = { descriptors: descriptors(), bytes: residentBytes() };
  for (let done = 0; done < execs; done += 20) {
    await Promise.all(Array.from({ length: 20 }, async () => {
      const made = await exec(id, { Cmd: ['sh', '-c', 'sleep 3 & exit 3'], AttachStdout: true });
      await engine.http('POST', `/exec/${made.id}/start`, { Detach: true });
    }));
  }
  await until('all reaped', async () => !/sleep 3/.test((await engine.docker(['exec', id, 'ps'])).stdout), 30_000);
  await until('descriptors as before', () => descriptors() <= before.descriptors + 4);
  assert.ok(residentBytes() - before.bytes < 100 * MiB, `${(residentBytes() - before.bytes) / MiB} MiB more`);
  await remove(id);
});

/** A gigabyte through the one that is the default; both read the output in the same way. */
const lines = [['json-file', 1000], ['local', 300]] as const;

for (const [driver, lineMegabytes] of lines) {
  test(`a line of ${lineMegabytes} MB goes through the log ${driver} in pieces, and memory stays flat`, { skip, timeout: 30_000 + lineMegabytes * 300 }, async () => {
    const id = await engine.start(['--log-driver', driver, busybox, 'sh', '-c', `head -c ${lineMegabytes}000000 /dev/zero | tr '\\0' x; echo; echo end`]);
    const before = residentBytes();
    let most = before;
    const timer = setInterval(() => { most = Math.max(most, residentBytes()); }, 50);
    await wait(id);
    clearInterval(timer);
    assert.ok(most - before < 100 * MiB, `${(most - before) / MiB} MiB more`);
    const { stdout } = await engine.docker(['logs', '--tail', '2', id]);
    assert.match(stdout, /^x*\nend\n$/);
    await remove(id);
  });

  test(`a flood of short lines: each is in the log ${driver}, once and in order`, { skip, timeout: 60_000 }, async () => {
    const id = await engine.start(['--log-driver', driver, '--log-opt', 'max-size=200m', '--log-opt', 'max-file=2', busybox, 'sh', '-c', 'seq 1 500000']);
    const began = performance.now();
    await wait(id);
    const seconds = (performance.now() - began) / 1000;
    const lines = (await engine.docker(['logs', id], { timeoutMs: 60_000 })).stdout.trimEnd().split('\n');
    assert.equal(lines.length, 500_000);
    assert.ok(lines.every((line, index) => line === String(index + 1)));
    assert.ok(500_000 / seconds > 100_000, `${Math.round(500_000 / seconds)} lines a second`);
    await remove(id);
  });
}
