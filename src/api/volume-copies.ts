// Estiva's own endpoints of volumes: clone, snapshots, rollback, export, import. What takes long tells how far it is, as a pull does; the last message
// names what was made.
import type { SnapshotView } from '../spec/estiva/volume.ts';
import type { Engine, Snapshot } from '../engine/index.ts';
import { answerEmpty, answerJson } from './answer.ts';
import { answerTar } from './archive.ts';
import { bodyOf } from './body.ts';
import { parameterOf, type Call } from './call.ts';
import { ProgressAnswer } from './progress.ts';

export async function clone(call: Call): Promise<void> {
  const { engine, query } = call;
  const wish = { name: query.text('to'), driver: '', options: null, labels: null };
  await copying(call, 'Cloning', async (name, options) => (await engine.volumes.clone(name, wish, options)).name);
}

export async function snapshot(call: Call): Promise<void> {
  const { engine, query } = call;
  await copying(call, 'Copying', async (name, options) => (await engine.volumes.snapshot(name, query.text('name'), options)).name);
}

export async function rollback(call: Call): Promise<void> {
  const { engine, query } = call;
  const wanted = query.text('snapshot');
  await copying(call, 'Restoring', async (name, options) => {
    await engine.volumes.rollback(name, wanted, options);
    return wanted;
  });
}

type CopyOptions = NonNullable<Parameters<Engine['volumes']['clone']>[2]>;

/** What takes so long that it is told how far it is has its whole counted beside it. */
async function copying(call: Call, verb: string, copy: (name: string, options: CopyOptions) => Promise<string>): Promise<void> {
  const { engine, response, signal } = call;
  const name = parameterOf(call, 'name');
  const answer = new ProgressAnswer(response);
  await answer.run(async () => {
    let total: number | undefined;
    const count = (): void => {
      total = 0;
      // A whole that is not known only leaves the bar away.
      engine.volumes.usageBytes(name).then((bytes) => { total = bytes; }, () => undefined);
    };
    const onProgress: CopyOptions['onProgress'] = ({ bytes }) => {
      if (total === undefined) count();
      answer.progress(verb, name, { current: bytes, total: Math.max(total ?? 0, bytes) });
    };
    answer.send({ aux: { Name: await copy(name, { signal, onProgress }) } });
  }, call);
}

export function snapshots(call: Call): void {
  const { engine, response } = call;
  answerJson(response, 200, engine.volumes.get(parameterOf(call, 'name')).snapshots.map(toView));
}

function toView({ name, createdAt, sizeBytes }: Snapshot): SnapshotView {
  return { Name: name, CreatedAt: createdAt.toISOString(), Size: sizeBytes };
}

export async function removeSnapshot(call: Call): Promise<void> {
  await call.engine.volumes.removeSnapshot(parameterOf(call, 'name'), parameterOf(call, 'snapshot'));
  answerEmpty(call.response, 204);
}

export async function exportFiles(call: Call): Promise<void> {
  await using tar = await call.engine.volumes.export(parameterOf(call, 'name'));
  await answerTar(call.response, tar.bytes, call.signal);
}

export async function importFiles(call: Call): Promise<void> {
  const { engine, query, request, response, signal } = call;
  await engine.volumes.import(parameterOf(call, 'name'), bodyOf(request), { replaces: query.flag('replace'), signal });
  answerEmpty(response, 204);
}
