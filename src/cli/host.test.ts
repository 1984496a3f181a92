import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detachBytes, detachWatcher } from './detach-keys.ts';
import { chooseHost } from './host.ts';

const none = { host: undefined, run: undefined };

test('chooseHost() prefers -H, then Estiva\'s own variables, then DOCKER_HOST, then the default run directory', () => {
  const environment = { ESTIVA_HOST: 'unix:///e', DOCKER_HOST: 'unix:///d', ESTIVA_RUN: '/r' };
  assert.equal(chooseHost({ host: 'unix:///f', run: undefined }, environment).host.text, 'unix:///f');
  assert.equal(chooseHost(none, environment).host.text, 'unix:///e');
  assert.equal(chooseHost(none, { ...environment, ESTIVA_HOST: '' }).host.text, 'unix:///r/estiva.sock');
  assert.equal(chooseHost(none, { DOCKER_HOST: 'unix:///d', ESTIVA_RUN: '' }).host.text, 'unix:///d');
  assert.equal(chooseHost(none, {}).host.text, 'unix:///run/estiva/estiva.sock');
});

test('chooseHost() lets a daemon be started only where no host was named', () => {
  assert.equal(chooseHost(none, { DOCKER_HOST: 'unix:///d' }).runDir, undefined);
  assert.equal(chooseHost(none, {}).runDir, '/run/estiva');
  assert.equal(chooseHost({ host: undefined, run: '/other' }, { DOCKER_HOST: 'unix:///d' }).runDir, '/other');
});

test('detachBytes() reads Docker\'s key sequences', () => {
  assert.deepEqual(detachBytes('ctrl-p,ctrl-q'), Buffer.from([16, 17]));
  assert.deepEqual(detachBytes('a,ctrl-@,ctrl-['), Buffer.from([97, 0, 27]));
  assert.equal(detachBytes('ctrl-1'), undefined);
});

test('detachWatcher() recognises the keys only at the end of what was typed', () => {
  const watcher = detachWatcher(undefined);
  watcher.see(Buffer.from('ls\n\x10'));
  assert.equal(watcher.isDetached(), false);
  watcher.see(Buffer.from('\x11'));
  assert.equal(watcher.isDetached(), true);
  watcher.see(Buffer.from('x'));
  assert.equal(watcher.isDetached(), false);
});
