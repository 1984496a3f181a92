// What tests of networks need besides the engine: the network namespace that the engine works in (its "host"), a second host beside it, and networks and
// containers that go away after the test file. Everything made in the engine's namespace is taken away again: a dockerd's namespace is not ours to leave things in.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { call, connectUnix } from '../../src/kernel/index.ts';
import { command, type CommandOptions, type Outcome } from './command.ts';
import { busybox, succeeded, until, type EngineUnderTest } from './engine.ts';

export interface Host {
  /** A shell line there. */
  sh(line: string, options?: CommandOptions): Promise<Outcome>;
}

/** A machine one cable away: what it sends goes through the engine's host. */
export interface Neighbour extends Host {
  readonly address: string;
  readonly address6: string;
  /** The engine's host, as the neighbour calls it. */
  readonly host: string;
  readonly host6: string;
}

export interface Networking {
  readonly host: Host;
  /** The path of the host's network namespace. */
  readonly namespace: string;
  /** Made at the first call. */
  neighbour(): Promise<Neighbour>;
  /** A network with these flags; its name. */
  network(...flags: readonly string[]): Promise<string>;
  /** A container that runs until the end of the tests; its name. */
  start(flags: readonly string[], ...program: readonly string[]): Promise<string>;
  /** Says who asks and who answers: `http://it/cgi-bin/who` gives "ADDRESS HOSTNAME". */
  web(...flags: readonly string[]): Promise<string>;
  /** A shell line in a container. */
  exec(container: string, line: string): Promise<Outcome>;
  /** Takes everything away again: the last test of a file does. */
  close(): Promise<void>;
  address(container: string, network: string, family?: 'IPAddress' | 'GlobalIPv6Address'): Promise<string>;
}

/** Where the neighbour serves a page of its own. */
export const neighbourPort = 7777;

export const skipNetworks = process.getuid?.() !== 0 ? 'needs root' : !existsSync('/usr/sbin/ip') && !existsSync('/sbin/ip') ? 'needs iproute2' : false;

/** A web server that says who asks and who answers; IPv4 addresses as such, whatever the socket's family. */
function serve(dir: string, port: number): string {
  return `mkdir -p ${dir}/cgi-bin
cat > ${dir}/cgi-bin/who << 'END'
#!/bin/busybox sh
address=\${REMOTE_ADDR#[}; address=\${address%]}
echo
echo "\${address#::ffff:} $(/bin/busybox hostname)"
END
chmod +x ${dir}/cgi-bin/who
exec /bin/busybox httpd -f -p ${port} -h ${dir}`;
}

const label = (engine: EngineUnderTest): readonly string[] => ['--label', engine.flags.split(' ').at(-1)!];

/** `image`: what its containers are made from. */
export function openNetworking(engine: EngineUnderTest, image = busybox): Networking {
  const containers: string[] = [];
  const networks: string[] = [];
  // Held open: it outlives a daemon that a test ends.
  const namespace = `/proc/${process.pid}/fd/${openSync(`/proc/${enginePid(engine)}/ns/net`, 'r')}`;
  const host = hostOf(namespace);
  let neighbour: Promise<Neighbour> | undefined;
  const undo: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0)) await step();
    if (containers.length > 0) await engine.docker(['rm', '-f', ...containers.splice(0)], { timeoutMs: 60_000 });
    if (networks.length > 0) await engine.docker(['network', 'rm', ...networks.splice(0)], { timeoutMs: 60_000 });
  };
  // For a run that was cut short; the engine looks for what is left before this.
  after(close);
  const start: Networking['start'] = async (flags, ...program) => {
    const name = engine.unique('net');
    containers.push(name);
    succeeded(await engine.docker(['run', '-d', ...label(engine), '--name', name, ...flags, image, ...program]));
    return name;
  };
  const exec: Networking['exec'] = (container, line) => engine.docker(['exec', container, 'sh', '-c', line]);
  return {
    host, namespace, start, exec, close,
    neighbour: () => (neighbour ??= makeNeighbour(host, undo)),
    network: async (...flags) => {
      const name = engine.unique('net');
      succeeded(await engine.docker(['network', 'create', ...flags, name]));
      networks.push(name);
      return name;
    },
    web: async (...flags) => {
      const name = await start(['--hostname', 'web', ...flags], 'sh', '-c', serve('/www', 80));
      await until(`${name} listens`, async () => (await exec(name, 'netstat -ltn | grep -q ":80 "')).code === 0);
      return name;
    },
    address: async (container, network, family = 'IPAddress') => succeeded(await engine.docker(['inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").${family}}}`, container])).trim(),
  };
}

/** Fetches that page, in a shell line: its last line; fails when there is none. By hand, because the wget of a static busybox looks for names of services and falls over. */
export function fetching(host: string, port: number | string = 80): string {
  return `printf 'GET /cgi-bin/who HTTP/1.0\\r\\n\\r\\n' | timeout 2 /bin/busybox nc -w 1 ${host} ${port} 2> /dev/null | tail -1 | grep .`;
}

function hostOf(namespace: string): Host {
  return { sh: (line, options) => command('nsenter', [`--net=${namespace}`, 'sh', '-c', line], options) };
}

/** Who listens at the engine's socket. Source: unix(7), SO_PEERCRED. */
function enginePid(engine: EngineUnderTest): number {
  using socket = connectUnix(engine.socketPath);
  const credentials = Buffer.alloc(12);
  const [SOL_SOCKET, SO_PEERCRED] = [1, 17];
  call('getsockopt', socket.number, SOL_SOCKET, SO_PEERCRED, credentials, new Uint8Array(Uint32Array.of(credentials.length).buffer));
  return credentials.readInt32LE(0);
}

async function makeNeighbour(host: Host, undo: (() => Promise<void>)[]): Promise<Neighbour> {
  const machine = spawn('unshare', ['--net', 'sleep', '300'], { stdio: 'ignore' });
  const link = `e2e${process.pid % 100_000}`;
  undo.push(async () => {
    await host.sh(`ip link delete ${link}`);
    machine.kill('SIGKILL');
  });
  const own = await command('readlink', ['/proc/self/ns/net']);
  await until('the neighbour has a namespace', async () => {
    const its = await command('readlink', [`/proc/${machine.pid}/ns/net`]);
    return its.code === 0 && its.stdout !== own.stdout;
  });
  const there = hostOf(`/proc/${machine.pid}/ns/net`);
  succeeded(await host.sh(`ip link add ${link} type veth peer name out netns ${machine.pid} && ip address add 192.0.2.1/24 dev ${link} && ip address add 2001:db8:77::1/64 dev ${link} nodad && ip link set ${link} up`));
  succeeded(await there.sh('ip link set lo up && ip address add 192.0.2.2/24 dev out && ip address add 2001:db8:77::2/64 dev out nodad && ip link set out up && ip route add default via 192.0.2.1 && ip -6 route add default via 2001:db8:77::1'));
  const dir = mkdtempSync(join(tmpdir(), 'estiva-neighbour-'));
  const web = spawn('nsenter', [`--net=/proc/${machine.pid}/ns/net`, 'sh', '-c', serve(dir, neighbourPort)], { stdio: 'ignore' });
  undo.push(async () => {
    web.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  });
  await until('the neighbour serves', async () => (await there.sh(fetching('127.0.0.1', neighbourPort))).code === 0);
  return { ...there, address: '192.0.2.2', address6: '2001:db8:77::2', host: '192.0.2.1', host6: '2001:db8:77::1' };
}

/** Nobody is heard: no connection, or no answer. */
export function unreachable({ code, stdout }: Outcome): void {
  assert.notEqual(code, 0, `answered: ${stdout}`);
}
