import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Abi, abis } from '../../kernel/seccomp/abi.ts';
import { compileSeccomp, describeVerdict, interpret } from '../../kernel/seccomp/index.ts';
import { defaultSeccompProfile } from './default-seccomp.ts';
import { parseSeccompProfile, resolveSeccomp, type SeccompCircumstances, type SeccompProfile } from './seccomp.ts';

const referenceFile = join(import.meta.dirname, '../../../../shared/reference/docker-default-seccomp.json');
const skip = existsSync(referenceFile) ? false : "Docker's own profile is not beside the repository";
const machines = { x64: [abis.x64, abis.i386, abis.x32], arm64: [abis.arm64, abis.arm] } as const satisfies Record<string, readonly Abi[]>;
const names = (text: string): string[] => text.split(' ').map((name) => `CAP_${name}`);
const dockerCapabilities = names('AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT');
const askedFor = [...new Set(defaultSeccompProfile.syscalls.flatMap((rule) => rule.includes?.caps ?? []))];

function compileFor(profile: SeccompProfile, circumstances: SeccompCircumstances): Uint8Array {
  return compileSeccomp(resolveSeccomp(profile, circumstances), circumstances.architecture);
}

/** Where the two differ: `x64 SCMP_ARCH_X86_64 socket(38): docker allow, ours errno 1`. */
function differences(docker: SeccompProfile, circumstances: SeccompCircumstances): string[] {
  const [theirs, ours] = [compileFor(docker, circumstances), compileFor(defaultSeccompProfile, circumstances)];
  const found: string[] = [];
  const values = [0n, 8n, 17n, 37n, 38n, 39n, 40n, 41n, 0x2_0000n, 0x2_0008n, 0x0200_0000n, 0x1000_0000n, 0x7e02_0000n, 0xffff_ffffn, 0x1_0000_0000n];
  for (const abi of machines[circumstances.architecture]) {
    for (const [name, nr] of [...abi.numbers(), ['(newer)', abi.base + 700] as const]) {
      for (const value of values) {
        const call = { nr, audit: abi.audit, args: [value, value] };
        const [their, our] = [interpret(theirs, call), interpret(ours, call)];
        if (their !== our) found.push(`${abi.name} ${name}(${value}): docker ${describeVerdict(their)}, ours ${describeVerdict(our)}`);
      }
    }
  }
  return found;
}

test("defaultSeccompProfile has Docker's verdicts, but for the differences listed here", { skip }, () => {
  const docker = parseSeccompProfile(readFileSync(referenceFile, 'utf8'));
  const sets = [[], dockerCapabilities, ...askedFor.map((capability) => [...dockerCapabilities, capability]), askedFor];
  for (const architecture of ['x64', 'arm64'] as const) {
    for (const capabilities of sets) {
      for (const kernelRelease of ['6.18.44', '4.4.0']) {
        // None. Docker 28.5.2, as released, still lets AF_ALG sockets through; its profile as of 2026 refuses them as ours does.
        assert.deepEqual(differences(docker, { architecture, capabilities, kernelRelease }), []);
      }
    }
  }
});

function verdict(name: string, ...args: readonly bigint[]): string {
  const program = compileFor(defaultSeccompProfile, { architecture: 'x64', capabilities: dockerCapabilities, kernelRelease: '6.18.44' });
  return describeVerdict(interpret(program, { nr: abis.x64.numbers().get(name)!, audit: abis.x64.audit, args }));
}

test('defaultSeccompProfile lets ordinary programs run', () => {
  for (const name of ['read', 'execve', 'futex', 'mmap', 'clone', 'ptrace', 'arch_prctl', 'chroot', 'mknod']) assert.equal(verdict(name), 'allow', name);
  assert.deepEqual([1n, 2n, 10n, 16n, 17n].map((family) => verdict('socket', family)), Array(5).fill('allow'));
});

test('defaultSeccompProfile refuses what kernel exploits are made of', () => {
  const refused = 'mount umount2 unshare setns pivot_root bpf perf_event_open userfaultfd keyctl add_key request_key kexec_load init_module finit_module open_by_handle_at swapon reboot io_uring_setup io_uring_enter io_uring_register syslog acct quotactl nfsservctl vm86';
  for (const name of refused.split(' ').filter((each) => abis.x64.numbers().has(each))) assert.equal(verdict(name), 'errno 1', name);
  assert.equal(verdict('socket', 38n), 'errno 1', 'AF_ALG');
  assert.equal(verdict('socket', 40n), 'errno 1', 'AF_VSOCK');
  assert.equal(verdict('clone', 0x1000_0000n), 'errno 1', 'CLONE_NEWUSER');
  assert.equal(verdict('clone3'), 'errno 38');
  assert.equal(verdict('personality', 0x0400_0000n), 'errno 1', 'READ_IMPLIES_EXEC');
});

test('defaultSeccompProfile compiles to a small program', () => {
  const program = compileFor(defaultSeccompProfile, { architecture: 'x64', capabilities: dockerCapabilities, kernelRelease: '6.18.44' });
  assert.ok(program.length / 8 < 400, `${program.length / 8} instructions`);
});
