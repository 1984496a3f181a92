import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openConfig } from './config.ts';

function proxiesOf(content: unknown, host: string): Readonly<Record<string, string>> {
  const dir = mkdtempSync(join(tmpdir(), 'estiva-config-'));
  try {
    writeFileSync(join(dir, 'config.json'), JSON.stringify(content));
    return openConfig(dir, (line) => assert.fail(line)).proxies(host);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const proxies = { default: { httpProxy: 'http://a', noProxy: 'b', ftpProxy: '', allProxy: 5 }, 'tcp://one:1': { httpsProxy: 'http://c' } };

test('proxies() names each in capitals and in small letters; a daemon\'s own ones take the place of the default', () => {
  assert.deepEqual(proxiesOf({ proxies }, 'unix:///s'), { HTTP_PROXY: 'http://a', http_proxy: 'http://a', NO_PROXY: 'b', no_proxy: 'b' });
  assert.deepEqual(proxiesOf({ proxies }, 'tcp://one:1'), { HTTPS_PROXY: 'http://c', https_proxy: 'http://c' });
});

test('proxies() has nothing where the configuration says nothing, or nonsense', () => {
  for (const content of [{}, { proxies: null }, { proxies: 'x' }, { proxies: { default: [] } }]) assert.deepEqual(proxiesOf(content, 'unix:///s'), {});
});
