// A second kernel in seconds: user-mode Linux, a Linux kernel that runs as an ordinary process. It is a true cgroup version 2 host and needs no
// rights and no KVM. Its root is this machine's own file tree (hostfs): what is written outside /tmp, /run, /proc and /sys lands here for real.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { which } from '../fixtures/cache.ts';

export interface MachineRun {
  /** What the script left; undefined when the machine died or was stopped before. */
  readonly exitCode: number | undefined;
}

/** Why no machine can run here; undefined when one can. */
export function whyNoMachine(): string | undefined {
  if (process.arch !== 'x64') return 'user-mode Linux is for x86-64';
  if (!existsSync('/bin/busybox')) return 'no busybox-static';
  return which('linux.uml') === undefined ? 'no user-mode-linux' : undefined;
}

/**
 * Boots, runs the shell script as root with cgroup version 2 mounted, powers off. The console is our standard output; `sharedDir` is /run/shared
 * inside, for what is to be kept.
 */
export async function runInMachine(script: string, sharedDir: string, timeoutMs: number): Promise<MachineRun> {
  const directory = mkdtempSync(join(tmpdir(), 'estiva-machine-'));
  try {
    const [init, exitFile, sockets] = [join(directory, 'init'), join(directory, 'exit'), join(directory, 'sockets')];
    mkdirSync(sockets);
    writeFileSync(init, initScript(script, exitFile, sharedDir), { mode: 0o755 });
    const options = ['mem=1G', 'rootfstype=hostfs', 'rootflags=/', 'rw', 'root=/dev/root', `init=${init}`, 'con=null', 'con0=fd:0,fd:1', 'umid=test', `uml_dir=${sockets}/`, 'selinux=0', 'quiet'];
    const machine = spawn(which('linux.uml')!, options, { stdio: ['ignore', 'inherit', 'inherit'], detached: true, env: { ...process.env, TMPDIR: existsSync('/dev/shm') ? '/dev/shm' : directory } });
    const end = (): void => void process.kill(-machine.pid!, 'SIGKILL');
    const timer = setTimeout(end, timeoutMs);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
    await once(machine, 'exit');
    clearTimeout(timer);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
    return { exitCode: existsSync(exitFile) ? Number(readFileSync(exitFile, 'utf8')) : undefined };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Process 1 of the machine. The exit code goes through the host's file tree, under a second name: /tmp is a new one inside. */
function initScript(script: string, exitFile: string, sharedDir: string): string {
  const checkout = process.cwd();
  // A checkout in a directory that is covered inside is kept in sight under another name.
  const inside = /^\/(tmp|run)\//.test(checkout) ? '/run/checkout' : checkout;
  return `#!/bin/sh
export PATH=${dirname(process.execPath).replace(checkout, inside)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1
mount -t proc none /proc
mount -t sysfs none /sys
mountpoint -q /dev || mount -t devtmpfs none /dev
mount -t tmpfs none /run
mkdir /run/host /run/shared && mount --bind ${dirname(exitFile)} /run/host && mount --bind ${sharedDir} /run/shared
${inside === checkout ? '' : `mkdir ${inside} && mount --bind ${checkout} ${inside}`}
mount -t tmpfs none /tmp
mount -t cgroup2 none /sys/fs/cgroup
/bin/busybox ip link set lo up
/bin/busybox insmod /usr/lib/uml/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko
cd ${inside}
(${script})
echo $? >/run/host/exit
sync
echo o >/proc/sysrq-trigger
sleep 60
`;
}
