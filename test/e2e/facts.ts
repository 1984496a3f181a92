// What a program can find out about its own isolation, read from inside with nothing but busybox: a record of facts, written the same way
// whatever engine started it, so that two engines can be laid side by side.
import type { EngineUnderTest } from './engine.ts';
import { busybox, succeeded } from './engine.ts';

export type Facts = Readonly<Record<string, string>>;

const maskedFiles = ['/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/sched_debug', '/proc/scsi',
  '/proc/timer_list', '/proc/timer_stats', '/sys/devices/virtual/powercap', '/sys/firmware'];
const readOnlyFiles = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Each command's output becomes the fact of that name. No single quotes inside. */
const questions: Readonly<Record<string, string>> = {
  'capabilities, seccomp, no_new_privs, ids': 'grep -E "^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups|Umask|SigBlk|SigIgn)" /proc/self/status',
  'user map': 'cat /proc/self/uid_map /proc/self/gid_map',
  'mounts': 'cat /proc/self/mountinfo',
  'root of the mount namespace': 'ls /',
  'device nodes': 'cd /dev; for n in $(ls -a); do [ "$n" = . ] || [ "$n" = .. ] || stat -c "%n %F %a %u:%g %t:%T $(readlink $n)" $n; done',
  'open files at start': 'ls /proc/1/fd',
  'process 1': 'cat /proc/1/comm',
  'processes': 'ls /proc | grep -c "^[0-9]"',
  'limits': 'cat /proc/self/limits',
  'oom score': 'cat /proc/self/oom_score_adj',
  'session': 'cut -d" " -f5,6,7 /proc/1/stat',
  'links': 'ls /sys/class/net',
  'sysctls': 'cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start',
  'core pattern is read-only': 'echo x 2>&1 > /proc/sys/kernel/core_pattern | grep -o "Read-only.*"',
  'masked paths': `for p in ${maskedFiles.join(' ')}; do [ -e $p ] || { echo "$p absent"; continue; }; if [ -d $p ]; then echo "$p has $(ls $p | wc -l) entries"; else echo "$p has $(head -c 100 $p 2>/dev/null | wc -c) bytes"; fi; done`,
  'read-only paths': `for p in ${readOnlyFiles.join(' ')}; do grep " $p " /proc/self/mountinfo | cut -d" " -f5,6; done`,
  'cgroup is read-only': 'touch /sys/fs/cgroup/x 2>&1 | grep -o "Read-only.*"; for d in /sys/fs/cgroup/*/; do mkdir $d/x 2>/dev/null && echo "made $d/x"; done; true',
  'files of etc': 'for f in hostname hosts resolv.conf mtab; do stat -c "%n %F %a %u:%g" /etc/$f; done',
  'unshare a user namespace': 'unshare -U true 2>&1 | grep -o "Operation.*"',
  'unshare a mount namespace': 'unshare -m true 2>&1 | grep -o "Operation.*"',
  'mount a tmpfs': 'mount -t tmpfs none /tmp 2>&1 | grep -oi "permission denied.*"',
  'kernel log': 'dmesg 2>&1 | grep -o "Operation.*"',
  'set the clock': 'date -s 2020-01-01 2>&1 | grep -o "Operation.*"',
  'chroot': 'chroot / true && echo allowed',
  'a disk by its number': 'mknod /tmp/disk b 8 0 && dd if=/tmp/disk of=/dev/null count=1 2>&1 | grep -o "Operation.*"',
  'memory by its number': 'mknod /tmp/mem c 1 1 && dd if=/tmp/mem of=/dev/null count=1 2>&1 | grep -o "Operation.*"',
  'raw socket': 'ping -c1 -W1 127.0.0.1 | grep -o "1 packets received"',
};

const script = `${Object.entries(questions).map(([name, question]) => `echo '=== ${name}'; ${question}`).join('\n')}\ntrue`;

/** The facts as the container's first program finds them. */
export async function factsOfRun(engine: EngineUnderTest, ...flags: readonly string[]): Promise<Facts> {
  return facts(succeeded(await engine.run(['--rm', ...flags, busybox, 'sh', '-c', script])));
}

/** The facts as an exec'd program finds them; of its own files and session, which is not process 1. */
export async function factsOfExec(engine: EngineUnderTest, container: string): Promise<Facts> {
  const own = script.replaceAll('/proc/1/', () => '/proc/$$/');
  return facts(succeeded(await engine.docker(['exec', container, 'sh', '-c', own])));
}

function facts(output: string): Facts {
  const sections = output.replaceAll('\r', '').split(/^=== /m).slice(1).map((section): [string, string] => {
    const [name, ...lines] = section.split('\n');
    return [name!, lines.join('\n').trim()];
  });
  const all = Object.fromEntries(sections);
  return { ...all, mounts: (all.mounts ?? '').split('\n').map(mountShape).toSorted().join('\n') };
}

/** Place, type and flags of a mount, without the ids, devices and host paths that differ from run to run. */
function mountShape(line: string): string {
  const [before, after] = line.split(' - ') as [string, string];
  const [, , , , place, flags] = before.split(' ');
  const [type, , superFlags] = after.split(' ');
  const kept = (superFlags ?? '').split(',').filter((flag) => /^(size|mode|gid|ptmxmode|nr_inodes)=/.test(flag) || flag === 'ro');
  return `${place} ${type === 'overlay' ? 'overlay' : type} ${flags?.split(',').toSorted().join(',')} ${kept.join(',')}`.trim();
}
