import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostServers, parseServer, parseServers } from './host-servers.ts';

test('parseServers() takes three, leaves comments and nonsense out, and finds the machine itself where nobody is named', () => {
  const text = '# nameserver 9.9.9.9\nsearch lan\nnameserver 10.0.0.1\n nameserver\t10.0.0.2  # two\nnameserver nonsense\nnameserver fd00::1\nnameserver 10.0.0.4\n';
  assert.deepEqual(parseServers(text).map(({ address }) => address), ['10.0.0.1', '10.0.0.2', 'fd00::1']);
  assert.deepEqual(parseServers(''), [{ address: '127.0.0.1', port: 53 }]);
});

test('parseServer(): a zone is a link', () => {
  assert.deepEqual(parseServer('fe80::1%3'), [{ address: 'fe80::1', port: 53, scope: 3 }]);
  assert.deepEqual(parseServer('fe80::1%no-such-link'), [{ address: 'fe80::1', port: 53, scope: 0 }]);
});

test('current() reads the file again when it changed, also when it was not there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-resolv-'));
  try {
    const path = join(dir, 'resolv.conf');
    const servers = new HostServers(path);
    assert.deepEqual(servers.current(), [{ address: '127.0.0.1', port: 53 }]);
    const before = servers.version;
    writeFileSync(path, 'nameserver 10.0.0.1\n');
    const deadline = Date.now() + 5000;
    while (servers.version === before && Date.now() < deadline) {
      servers.current();
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    assert.deepEqual(servers.current(), [{ address: '10.0.0.1', port: 53 }]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
