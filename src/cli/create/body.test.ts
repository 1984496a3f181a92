// The fixtures are what Docker's client 28.2 did with these flags: the bodies that it sent to a recording server (empty fields left out),
// and the first line of what it said when it refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { flag } from '../flags.ts';
import { parseArguments } from '../parse.ts';
import { Complaint, UsageError } from '../errors.ts';
import { createBody } from './body.ts';
import { createFlags, createLater } from './flags.ts';

interface Recorded {
  readonly args: readonly string[];
  readonly query: string;
  readonly body: Readonly<Record<string, unknown>> & { readonly HostConfig: Readonly<Record<string, unknown>> };
}

interface Refused {
  readonly args: readonly string[];
  readonly code: number;
  readonly message: string;
}

const folder = `${import.meta.dirname}/fixtures`;
const flags = { ...createFlags, detach: flag.on('d', '') } as const;

function bodyFor([, ...argv]: readonly string[]): Record<string, unknown> {
  const { values, operands: [image = '', ...command] } = parseArguments(argv, { flags, later: createLater, stopsAtOperand: true });
  const environment = { FROM_ENV: 'yes' };
  const inFolder = { ...values, 'env-file': values['env-file'].map(here), 'label-file': values['label-file'].map(here), 'security-opt': values['security-opt'].map((option) => option.replace('seccomp=seccomp.json', `seccomp=${folder}/seccomp.json`)) };
  return { ...createBody(inFolder, { image, command, isDetached: values.detach, consoleSize: [0, 0], environment, proxies: {} }) };
}

const here = (path: string): string => (path.startsWith('/') ? path : `${folder}/${path}`);

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0 || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Empty and absent are the same, except where Docker's client makes a difference. */
function compact(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const telling = new Set(['MaskedPaths', 'ReadonlyPaths', 'SecurityOpt', 'StopTimeout']);
  return Object.fromEntries(Object.entries(record).filter(([key, value]) => !isEmpty(value) || (telling.has(key) && value !== null && value !== undefined)));
}

test('createBody() gives what Docker\'s client sends for the same flags', () => {
  const recorded = JSON.parse(readFileSync(`${folder}/docker-bodies.json`, 'utf8')) as readonly Recorded[];
  assert.ok(recorded.length > 50);
  for (const { args, body } of recorded) {
    const { HostConfig: host, NetworkingConfig: _networking, ...config } = bodyFor(args);
    const { HostConfig: expectedHost, ...expected } = body;
    assert.deepEqual(compact(config), compact(expected), args.join(' '));
    assert.deepEqual(compact(host as Record<string, unknown>), compact(expectedHost), args.join(' '));
  }
});

interface RecordedNetworks {
  readonly args: readonly string[];
  readonly networks?: object;
  readonly mode?: string;
  readonly ports?: object;
  readonly exposed?: readonly string[];
  readonly publishesAll?: boolean;
  readonly links?: readonly string[];
  readonly dns?: readonly string[];
  readonly dnsOptions?: readonly string[];
}

test('createBody() gives what Docker\'s client sends of networks and ports', () => {
  const recorded = JSON.parse(readFileSync(`${folder}/docker-networks.json`, 'utf8')) as readonly RecordedNetworks[];
  assert.ok(recorded.length > 50);
  for (const { args, networks = { default: {} }, mode = 'default', ports = {}, exposed = [], publishesAll = false, links = [], dns = [], dnsOptions = [] } of recorded) {
    const { HostConfig, ExposedPorts = {}, NetworkingConfig } = bodyFor(args) as unknown as ReturnType<typeof createBody>;
    const endpoints = Object.fromEntries(Object.entries(NetworkingConfig!.EndpointsConfig).map(([name, endpoint]) => [name, compact({ ...endpoint, ...(endpoint.IPAMConfig === undefined ? {} : { IPAMConfig: compact(endpoint.IPAMConfig as unknown as Record<string, unknown>) }) })]));
    const said = { networks: endpoints, mode: HostConfig.NetworkMode, ports: HostConfig.PortBindings, exposed: Object.keys(ExposedPorts).toSorted(), publishesAll: HostConfig.PublishAllPorts, links: HostConfig.Links ?? [], dns: HostConfig.Dns, dnsOptions: HostConfig.DnsOptions };
    assert.deepEqual(said, { networks, mode, ports, exposed, publishesAll, links, dns, dnsOptions }, args.join(' '));
  }
});

test('createBody() refuses what Docker\'s client refuses, in its words', () => {
  const refused = JSON.parse(readFileSync(`${folder}/docker-refusals.json`, 'utf8')) as readonly Refused[];
  // These are judged by the command, not by the body.
  const elsewhere = (args: readonly string[]): boolean => args.length === 1 || args.includes('--pull') || args[0] === 'run';
  for (const { args, code, message } of refused.filter((one) => !elsewhere(one.args))) {
    assert.throws(() => bodyFor(args), (error: unknown) => {
      assert.ok(error instanceof UsageError || error instanceof Complaint, args.join(' '));
      assert.equal(error instanceof Complaint ? `docker: ${error.message}` : error.message, message);
      assert.equal(error.code, code);
      return true;
    });
  }
});

test('createBody() refuses a flag that comes later by its name', () => {
  assert.throws(() => bodyFor(['create', '--gpus=all', 'x']), /^UsageError: --gpus is not there yet in Estiva: /);
});
