// A daemon behind TLS: both sides say who they are, and nobody else is spoken to.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDocker, type Docker } from './docker.ts';
import { parseHost, type TlsSettings } from './host.ts';

const dir = mkdtempSync(join(tmpdir(), 'estiva-tls-'));
after(() => rmSync(dir, { recursive: true }));

const openssl = (...args: readonly string[]): boolean => {
  try {
    execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};
const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;
const hasKeys = openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca', '-subj', '/CN=us', '-days', '3650')
  && openssl('req', '-x509', ...key, '-keyout', 'others.key', '-out', 'others', '-subj', '/CN=them', '-days', '3650');
const skip = hasKeys ? false : 'needs openssl';
if (hasKeys) {
  writeFileSync(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1');
  for (const name of ['daemon', 'client']) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca', '-CAkey', 'ca.key', '-CAcreateserial', '-out', name, '-days', '3650', ...name === 'daemon' ? ['-extfile', 'names'] : []);
  }
}
const pem = (name: string): Buffer => readFileSync(join(dir, name));

async function answersOf(tls: (port: number) => Docker): Promise<unknown> {
  const server = createServer({ ca: pem('ca'), cert: pem('daemon'), key: pem('daemon.key'), requestCert: true, rejectUnauthorized: true }, (_, response) => response.end('{"ok":true}'));
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    socket.on('data', (chunk: Buffer) => { socket.write(`got ${chunk.toString()}`); });
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  using docker = tls((server.address() as AddressInfo).port);
  try {
    const first = await docker.json('GET', '/info');
    const { socket } = await docker.hijack('/attach', { body: {} });
    let text = '';
    socket.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    socket.resume();
    socket.end('typed');
    await new Promise((resolve) => { socket.once('end', resolve); });
    return [first, text];
  } finally {
    docker[Symbol.dispose]();
    server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  }
}

const dockerAt = (host: string, settings: TlsSettings) => (port: number) => openDocker({ host: parseHost(`tcp://${host}:${port}`, settings), apiVersion: '1.44' });

test('requests and hijacked streams, half-closed too, with a client that the daemon believes', { skip }, async () => {
  const settings = { ca: pem('ca'), cert: pem('client'), key: pem('client.key'), isVerified: true };
  assert.deepEqual(await answersOf(dockerAt('127.0.0.1', settings)), [{ ok: true }, 'got typed']);
  assert.deepEqual(await answersOf(dockerAt('localhost', { ...settings, ca: undefined, isVerified: false })), [{ ok: true }, 'got typed'], 'unverified, whoever it is');
});

test('a daemon that another signed, one with another name, a client without a certificate', { skip }, async () => {
  const settings = { ca: pem('ca'), cert: pem('client'), key: pem('client.key'), isVerified: true };
  const doubts = { kind: 'denied', message: /^The daemon at tcp:\/\/.* and this client do not believe each other: / };
  await assert.rejects(answersOf(dockerAt('127.0.0.1', { ...settings, ca: pem('others') })), doubts);
  await assert.rejects(answersOf(dockerAt('localhost', settings)), doubts);
  await assert.rejects(answersOf(dockerAt('127.0.0.1', { ...settings, cert: undefined, key: undefined })), /alert|do not believe|closed the connection/);
});
