// The runtime alone: an OCI configuration with the default posture becomes a plan, the plan a program, the program a process that ends.
// No daemon, no supervisor, no storage; cgroup and seccomp as in a real start. Beside it runc, where it is installed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble, compileSeccomp, Fd, hostArchitecture, O, openCgroups, Readiness, reap, seccompFlags, type Cgroups } from '../src/kernel/index.ts';

import { launch, planStart, type OverlayRoot } from '../src/runtime/index.ts';
import { defaultSeccompProfile } from '../src/spec/docker/default-seccomp.ts';
import { resolveSeccomp } from '../src/spec/docker/seccomp.ts';
import type { Spec } from '../src/spec/oci/runtime.ts';
import { busyboxArchive } from '../test/fixtures/busybox.ts';
import type { BenchCase, Subject } from './measure.ts';
import { timed } from './measure.ts';
import { runc } from './process-cases.ts';

const capabilities = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE'];

const spec: Spec = {
  ociVersion: '1.2.0', root: { path: '/' }, hostname: 'bench',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'] },
  ],
  process: {
    cwd: '/', env: ['PATH=/bin'], args: ['true'], user: { uid: 0, gid: 0, additionalGids: [0] },
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] },
  },
  linux: {
    namespaces: (['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'] as const).map((type) => ({ type })),
    maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/scsi', '/sys/firmware'],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
};

export const runtimeCase: BenchCase = {
  name: 'runtime', what: 'the runtime alone: plan, launch, exit of busybox true', promise: '<= 5 ms', unit: 'ms', runs: 100, warmUp: true,
  subjects: async () => [await ownRuntime(), ...await runc()],
};

async function ownRuntime(): Promise<Subject> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-bench-runtime-'));
  for (const name of ['layers/busybox', 'merged']) mkdirSync(join(dir, name), { recursive: true });
  execFileSync('sh', ['-c', `tar -xOf '${await busyboxArchive()}' layer-0/layer.tar | tar -x -C '${dir}/layers/busybox'`]);
  const readiness = new Readiness();
  const cgroups = openCgroups();
  const nothing = Fd.open('/dev/null', O.RDWR);
  const architecture = hostArchitecture();
  const profile = resolveSeccomp(defaultSeccompProfile, { architecture, capabilities, kernelRelease: release() });
  const seccompFilter = { instructions: compileSeccomp(profile, architecture), flags: seccompFlags(profile) };
  let runs = 0;
  return {
    name: 'estiva runtime',
    run: () => {
      const root = newRoot(dir, runs++);
      return timed(() => inCgroup(cgroups, async (cgroupPath) => {
        const image = assemble(planStart(spec, { root, cgroup: cgroups.join(cgroupPath), seccompFilter, shareMemory: true }), architecture);
        const result = await launch(image, new Map([['stdin', nothing.number], ['stdout', nothing.number], ['stderr', nothing.number]]), readiness, image.ops.length);
        if (!result.ok) throw new Error(`op ${result.failure.index} failed with ${result.failure.errno}`);
        await ended(result.process.pidfd, readiness);
      }));
    },
    close: () => {
      readiness[Symbol.dispose]();
      cgroups[Symbol.dispose]();
      nothing[Symbol.dispose]();
      rmSync(dir, { recursive: true });
      return Promise.resolve();
    },
  };
}

/** As a container has it at its first start: in a work directory that was used before the kernel clears up first, which waits for the disk. */
function newRoot(dir: string, number: number): OverlayRoot {
  const [upperDir, workDir] = [`${dir}/upper-${number}`, `${dir}/work-${number}`];
  for (const made of [upperDir, workDir]) mkdirSync(made);
  return { kind: 'overlay', layersDir: `${dir}/layers`, lowerDirs: ['busybox'], upperDir, workDir, mergedDir: `${dir}/merged` };
}

async function inCgroup(cgroups: Cgroups, body: (path: string) => Promise<void>): Promise<void> {
  const path = `/estiva/bench-${process.pid}`;
  cgroups.create(path, { devices: [{ allow: false, type: 'a', access: 'rwm' }, { allow: true, type: 'c', access: 'm' }, { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }] });
  try {
    await body(path);
  } finally {
    await cgroups.remove(path);
  }
}

function ended(pidfd: Fd, readiness: Readiness): Promise<void> {
  return new Promise((resolve) => readiness.watch(pidfd, () => {
    readiness.unwatch(pidfd);
    reap(pidfd);
    pidfd[Symbol.dispose]();
    resolve();
  }));
}
