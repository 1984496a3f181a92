// Starting the supervisor: a program like any container's, without the container.
//
// It gets a mount namespace of its own in which the Node binary is mounted read-only over itself. A process on its way into a container is, until
// its execve, an instance of that binary: whoever opens /proc/PID/exe or runs "#!/proc/self/exe" inside reaches the binary through this mount and
// cannot write to it (the weakness of CVE-2019-5736).
import { assemble, CLONE, errnoName, Fd, hostArchitecture, mountAttributes, MS, O, type Readiness, type Step } from '../../kernel/index.ts';
import { launch } from '../launch.ts';
import { cloneFrame } from '../plan/clone.ts';
import { slots } from '../plan/setting.ts';
import { fail } from '../../base/index.ts';

/** Starts `command` (its first word is an absolute path) apart from this process: its own session, its output in `<runDir>/supervisor.log`. */
export async function spawnSupervisor(command: readonly string[], runDir: string, readiness: Readiness): Promise<void> {
  const binary = command[0]!;
  using log = Fd.open(`${runDir}/supervisor.log`, O.WRONLY | O.CREAT | O.APPEND | O.NOFOLLOW, 0o600);
  using nothing = Fd.open('/dev/null', O.RDONLY);
  const image = assemble(cloneFrame(steps(binary, command), { flags: CLONE.NEWNS, shareMemory: true }), hostArchitecture());
  const fill = new Map([[slots.stdin, nothing.number], [slots.stdout, log.number], [slots.stderr, log.number]]);
  const result = await launch(image, fill, readiness, image.ops.length);
  if (!result.ok) throw fail('unavailable', `Cannot start the supervisor: ${image.ops[result.failure.index]?.call ?? 'launch'}: ${errnoName(result.failure.errno)}`);
  result.process.pidfd[Symbol.dispose]();
}

function steps(binary: string, command: readonly string[]): readonly Step[] {
  const environment = { strings: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] };
  return [
    { call: 'setsid', args: [], why: 'signals for the daemon\'s terminal do not reach it' },
    { call: 'mount', args: [0, '/', 0, MS.SLAVE | MS.REC, 0], why: 'the host\'s mounts arrive here, ours do not leave' },
    { call: 'mount', args: [binary, binary, 0, MS.BIND, 0], why: 'the Node binary as a mount of its own' },
    { call: 'mount_setattr', args: [-100, binary, 0, mountAttributes(1), 32], why: 'which nobody can write to through a process of ours' },
    ...[slots.stdin, slots.stdout, slots.stderr].map((slot, fd): Step => ({ call: 'dup3', args: [{ slot }, fd, 0], why: slot })),
    { call: 'rt_sigprocmask', args: [2, new Uint8Array(8), 0, 8], why: 'no signal blocked' },
    { call: 'close_range', args: [3, 0xffffffff, 4], why: 'nothing of the daemon\'s goes on' },
    { call: 'prctl', args: [1, 0], why: 'it outlives the daemon' },
    { call: 'execve', args: [binary, { strings: command }, environment], why: 'the supervisor' },
  ];
}
