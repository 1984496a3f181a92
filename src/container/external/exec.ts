// exec, by the runtime that has made the container: `RUNTIME exec --detach` with the process as a file.
import { rmSync, writeFileSync } from 'node:fs';
import { assemble, hostArchitecture, type Image } from '../../kernel/index.ts';
import { planExternal, type ExternalLaunch } from '../../runtime/index.ts';
import type { Process } from '../../spec/oci/runtime.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import { bundleOf, callFiles, callOf } from './bundle.ts';
import type { ExternalRuntime } from './runtimes.ts';

/** Disposing removes the files of the call. */
export interface ExternalExec extends Disposable {
  readonly image: Image;
  readonly external: ExternalLaunch;
  readonly log: string;
}

export function externalExec(room: Room, record: ContainerRecord, runtime: ExternalRuntime, execId: string, process: Process): ExternalExec {
  const bundle = bundleOf(room, record.id);
  const files = callFiles(bundle, execId);
  const terminal = process.terminal === true;
  const command = [
    ...callOf(room, runtime, files.log), 'exec', '--detach', '--process', files.process, '--pid-file', files.pidFile, ...(terminal ? ['--console-socket', files.consoleSocket] : []), record.id,
  ];
  writeFileSync(files.process, JSON.stringify(process), { mode: 0o600 });
  return {
    image: assemble(planExternal({ command, directory: bundle.dir, terminal }), hostArchitecture()), log: files.log,
    external: { pidFile: files.pidFile, directory: bundle.dir, consoleSocket: files.consoleSocket },
    [Symbol.dispose]: () => {
      for (const file of [files.process, files.pidFile, files.log]) rmSync(file, { force: true });
    },
  };
}
