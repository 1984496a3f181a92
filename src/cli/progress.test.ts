import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { progressView, type ProgressStream } from './progress.ts';

function stream(terminal: { readonly columns: number; readonly rows: number } | undefined): ProgressStream & { readonly text: () => string } {
  let text = '';
  const writable = new Writable({ write: (chunk, _encoding, done) => { text += String(chunk); done(); } });
  return Object.assign(writable, terminal === undefined ? {} : { isTTY: true, ...terminal }, { text: () => text });
}

test('progressView() elsewhere than on a terminal: a line for each change, none for what moves', () => {
  const out = stream(undefined);
  const show = progressView(out);
  show({ status: 'Pulling from library/x', id: 'latest' });
  show({ status: 'Downloading', id: 'abc', progressDetail: { current: 1, total: 2 }, progress: '[=>  ]' });
  show({ status: 'Download complete', id: 'abc', progressDetail: {} });
  show({ status: 'Digest: sha256:1' });
  show({ stream: 'Loaded image: x\n' });
  assert.equal(out.text(), 'latest: Pulling from library/x\nabc: Download complete\nDigest: sha256:1\nLoaded image: x\n');
});

test('progressView() on a terminal writes over the line of its layer, with speed and time left', () => {
  const out = stream({ columns: 100, rows: 24 });
  let nowMs = 1000;
  const show = progressView(out, () => nowMs);
  show({ status: 'Downloading', id: 'a', progressDetail: { current: 0, total: 40e6 } });
  show({ status: 'Waiting', id: 'b', progressDetail: {} });
  nowMs += 1000;
  show({ status: 'Downloading', id: 'a', progressDetail: { current: 10e6, total: 40e6 } });
  assert.match(out.text(), /\nb: Waiting|b: Waiting\n/);
  assert.ok(out.text().endsWith(`\x1b[2A\r\x1b[2Ka: Downloading [${'='.repeat(10)}>${' '.repeat(29)}]  10MB/40MB  10MB/s  3s left\x1b[2B\r`), JSON.stringify(out.text()));
});

test('progressView() leaves lines that have scrolled away, and is never wider than the terminal', () => {
  const out = stream({ columns: 20, rows: 2 });
  const show = progressView(out, () => 0);
  for (const id of ['a', 'b', 'c']) show({ status: 'Waiting', id });
  const before = out.text();
  show({ status: 'Download complete', id: 'a' });
  assert.equal(out.text(), before);
  show({ status: 'A status that is longer than it may be', id: 'c' });
  assert.ok(out.text().endsWith('\x1b[1A\r\x1b[2Kc: A status that is\x1b[1B\r'), JSON.stringify(out.text()));
});
