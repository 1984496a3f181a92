// start, by another runtime: `RUNTIME run --detach`. One call makes the container and starts it: there is no state in between to come back to.
import { assemble, hostArchitecture, type Image } from '../../kernel/index.ts';
import { planExternal, type ExternalLaunch, type OverlayRoot, type StartSetting } from '../../runtime/index.ts';
import type { Seccomp, Spec } from '../../spec/oci/runtime.ts';
import type { ContainerRecord } from '../container.ts';
import type { Room } from '../room.ts';
import { bundleOf, callFiles, callOf, writeBundle } from './bundle.ts';
import type { ExternalRuntime } from './runtimes.ts';

export interface StartByRuntime {
  readonly spec: Spec;
  readonly root: OverlayRoot;
  readonly lent: StartSetting['lent'];
  /** Sources that the launch is lent. */
  readonly held: readonly { readonly destination: string; readonly isFile: boolean }[];
  readonly seccomp: Seccomp | undefined;
}

export interface ExternalStart {
  readonly image: Image;
  readonly external: ExternalLaunch;
  readonly log: string;
  /** Before the launch. */
  readonly write: () => void;
}

export function externalStart(room: Room, record: ContainerRecord, runtime: ExternalRuntime, { spec, root, lent, held, seccomp }: StartByRuntime): ExternalStart {
  const bundle = bundleOf(room, record.id);
  const { log, pidFile, consoleSocket } = callFiles(bundle, 'start');
  const terminal = record.config.Tty;
  const command = [
    ...callOf(room, runtime, log), 'run', '--detach', '--bundle', bundle.dir, '--pid-file', pidFile, ...(terminal ? ['--console-socket', consoleSocket] : []), record.id,
  ];
  const places = held.map((source, i) => ({ ...source, onto: `${bundle.dir}/source-${i}` }));
  const mounts = { root, lent: lent === undefined ? undefined : { ...lent, onto: bundle.sharedMemory }, held: places };
  return {
    image: assemble(planExternal({ command, directory: bundle.dir, terminal, mounts }), hostArchitecture()), log,
    external: { pidFile, directory: bundle.dir, consoleSocket },
    write: () => writeBundle(bundle, spec, { rootPath: root.mergedDir, seccomp, lendsMemory: lent !== undefined, held: places }),
  };
}
