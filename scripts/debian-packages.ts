// The Debian packages that the tests use. As root on Debian what is missing is installed; elsewhere it is said what is missing and which
// tests are skipped for it. The docker client is unpacked, not installed: before trixie its package brings a daemon, which must not start.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, which } from '../test/fixtures/cache.ts';
import { report } from './step.ts';

interface Need {
  readonly package: string;
  /** A file that is there when the package is. */
  readonly file: string | readonly string[];
  readonly skipped: string;
}

const needs: readonly Need[] = [
  { package: 'busybox-static', file: '/bin/busybox', skipped: 'all end-to-end tests' },
  { package: 'mmdebstrap', file: '/usr/bin/mmdebstrap', skipped: 'the Debian images: system calls from inside, services in networks' },
  { package: 'skopeo', file: '/usr/bin/skopeo', skipped: 'archives written by skopeo' },
  { package: 'umoci', file: '/usr/bin/umoci', skipped: 'archives written by umoci' },
  { package: 'docker-registry', file: '/usr/bin/docker-registry', skipped: 'registries against the real one' },
  { package: 'binutils', file: '/usr/bin/as', skipped: 'the stub against its assembly' },
  { package: 'binutils-aarch64-linux-gnu', file: '/usr/bin/aarch64-linux-gnu-as', skipped: 'the arm64 stub against its assembly' },
  { package: 'mount', file: '/usr/bin/mount', skipped: 'layers as overlayfs shows them' },
  { package: 'attr', file: '/usr/bin/setfattr', skipped: 'extended attributes in layers' },
  { package: 'libcap2-bin', file: ['/usr/sbin/setcap', '/sbin/setcap'], skipped: 'file capabilities in layers' },
  { package: 'libseccomp2', file: ['/usr/lib/x86_64-linux-gnu/libseccomp.so.2', '/usr/lib/aarch64-linux-gnu/libseccomp.so.2'], skipped: 'seccomp programs against libseccomp' },
  { package: 'python3-docker', file: '/usr/lib/python3/dist-packages/docker/__init__.py', skipped: 'Docker\'s library for Python' },
  { package: 'openssl', file: '/usr/bin/openssl', skipped: 'daemons behind TLS' },
  { package: 'iproute2', file: ['/usr/sbin/ip', '/sbin/ip', '/bin/ip'], skipped: 'links and routes as ip sees them' },
  { package: 'nftables', file: '/usr/sbin/nft', skipped: 'firewall rules as nft reads them' },
  { package: 'chromium', file: '/usr/bin/chromium', skipped: 'pages in a browser' },
  { package: 'runc', file: ['/usr/sbin/runc', '/usr/bin/runc'], skipped: 'containers by runc' },
  { package: 'crun', file: '/usr/bin/crun', skipped: 'containers by crun' },
  { package: 'qemu-user-static', file: ['/usr/bin/qemu-aarch64-static', '/usr/bin/qemu-aarch64'], skipped: 'the other architecture\'s code' },
  { package: 'user-mode-linux', file: '/usr/bin/linux.uml', skipped: 'containers on cgroup v2, in a machine of its own' },
];

export function unpackedDocker(): string {
  return join(cacheDir(), 'docker-client/usr/bin/docker');
}

/** Brings what can be brought; prints what is missing after that. */
export async function bringPackages(): Promise<void> {
  const isRootOnDebian = process.getuid?.() === 0 && existsSync('/etc/debian_version') && which('apt-get') !== undefined;
  const absent = missing();
  const wantsClient = which('docker') === undefined && !existsSync(unpackedDocker());
  if (isRootOnDebian && (absent.length > 0 || wantsClient)) {
    const updated = await apt('package list', ['update', '-qq'], 120_000);
    if (updated && absent.length > 0) await apt('packages', ['install', '-y', '-qq', '--no-install-recommends', ...absent.map((need) => need.package)], 300_000);
    if (updated && wantsClient) unpackDocker();
  }
  for (const need of missing()) console.log(`missing: ${need.package}; skipped for it: ${need.skipped}`);
  if (which('docker') === undefined && !existsSync(unpackedDocker())) console.log('missing: the docker client; skipped for it: all end-to-end tests');
}

function missing(): Need[] {
  return needs.filter((need) => ![need.file].flat().some((file) => existsSync(file)));
}

function apt(name: string, args: readonly string[], timeoutMs: number): Promise<boolean> {
  return report({ name, program: 'apt-get', args, timeoutMs, env: { DEBIAN_FRONTEND: 'noninteractive' } });
}

/** docker-cli where there is one (trixie and later), else the client out of docker.io. */
function unpackDocker(): void {
  const scratch = mkdtempSync(join(cacheDir(), 'docker-package-'));
  try {
    const source = ['docker-cli', 'docker.io'].find((name) => /Candidate: \d/.test(execFileSync('apt-cache', ['policy', name], { encoding: 'utf8' })));
    if (source === undefined) return;
    // apt-get downloads as the user _apt, who may not write here: as root without a sandbox.
    execFileSync('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', '-qq', source], { cwd: scratch, timeout: 120_000, stdio: ['ignore', 'ignore', 'inherit'] });
    const [file] = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
    if (file === undefined) return;
    const whole = join(scratch, 'whole');
    mkdirSync(whole);
    execFileSync('dpkg', ['-x', join(scratch, file), whole], { timeout: 60_000, stdio: ['ignore', 'ignore', 'inherit'] });
    const target = join(cacheDir(), 'docker-client/usr/bin');
    mkdirSync(target, { recursive: true });
    execFileSync('cp', [join(whole, 'usr/bin/docker'), join(target, 'docker')]);
  } catch (error) {
    console.log(`The docker client could not be unpacked: ${(error as Error).message}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
