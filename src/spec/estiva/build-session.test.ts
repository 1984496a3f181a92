import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { isFail } from '../../base/index.ts';
import { Channels, Refused, type Channel, type SessionAsk } from './build-session.ts';

function session(onAsk: (ask: SessionAsk, channel: Channel) => void): { readonly daemon: Channels; readonly ended: Promise<void>; readonly socket: Duplex } {
  const [near, far] = duplexPair();
  const daemon = new Channels(near, () => assert.fail('only the daemon asks'));
  const ended = daemon.run().catch(() => undefined);
  new Channels(far, (ask, channel) => onAsk(ask as SessionAsk, channel)).run().catch(() => undefined);
  return { daemon, ended, socket: far };
}

test('Channels: several conversations at once over one connection, each with its end; bytes of any length', async () => {
  const long = Buffer.alloc(3 << 20, 'x');
  const { daemon, socket } = session((ask, channel) => { channel.resume().end(ask.what === 'secret' && ask.id === 'long' ? long : 'short'); });
  const channels = ['long', 'short'].map((id) => daemon.open({ what: 'secret', id }));
  for (const channel of channels) channel.end();
  const [first = '', second] = await Promise.all(channels.map((channel) => text(channel)));
  assert.equal(first.length, long.length);
  assert.equal(second, 'short');
  socket.destroy();
});

test('Channels: both ways, the size of a terminal, and a refusal with its reason', async () => {
  const { daemon, socket } = session((ask, channel) => {
    if (ask.what === 'ssh?') return channel.refuse('There is none');
    channel.resize({ rows: 3, columns: 4 });
    channel.pipe(channel);
    return undefined;
  });
  await assert.rejects(text(daemon.open({ what: 'ssh?', id: 'x' })), (error) => error instanceof Refused && error.message === 'There is none');
  const echo = daemon.open({ what: 'ssh', id: 'x' });
  const size = new Promise((found) => { echo.once('size', found); });
  echo.end('hello');
  assert.equal(await text(echo), 'hello');
  assert.deepEqual(await size, { rows: 3, columns: 4 });
  socket.destroy();
});

test('Channels: when the connection ends, so does everything on it; what is no frame ends it', async () => {
  const { daemon, ended, socket } = session(() => undefined);
  const waiting = text(daemon.open({ what: 'secret', id: 'x' }));
  socket.destroy();
  await assert.rejects(waiting, (error) => isFail(error, 'unavailable'));
  await ended;
  assert.throws(() => daemon.open({ what: 'secret', id: 'x' }), (error) => isFail(error, 'unavailable'));
  const [near, far] = duplexPair();
  const running = new Channels(near, () => undefined).run();
  far.write(Buffer.alloc(20, 0xff));
  await assert.rejects(running, (error) => isFail(error, 'invalid'));
});
