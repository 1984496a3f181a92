import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUpgrade, serveUpgrades, takeSocket } from './hijack.ts';

/** Sends `pieces` with pauses between them; the server reads the body, takes the socket and echoes it, or answers 418 when the body says so. */
async function exchange(pieces: readonly string[]): Promise<string> {
  const dir = mkdtempSync(`${tmpdir()}/estiva-hijack-`);
  const server = createServer({ shouldUpgradeCallback: isUpgrade });
  serveUpgrades(server, (request, response) => void (async () => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (body === 'refused!') response.writeHead(418).end('no');
    else takeSocket(request, response, 'raw').end(`echo ${body}`);
  })());
  server.listen(`${dir}/sock`);
  await once(server, 'listening');
  const client = connect(`${dir}/sock`);
  let answer = '';
  client.on('data', (chunk) => { answer += String(chunk); });
  for (const piece of pieces) {
    client.write(piece);
    await sleep(20);
  }
  if (!client.closed) await once(client, 'close');
  server.close();
  rmSync(dir, { recursive: true });
  return answer;
}

const head = 'POST /exec/x/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 8\r\n\r\n';

for (const [name, pieces] of [['with the head', [`${head}12345678`]], ['after the head', [head, '12345678']], ['in pieces', [`${head}1234`, '5678']]] as const) {
  test(`takeSocket() works for a body that comes ${name}`, async () => {
    assert.match(await exchange(pieces), /^HTTP\/1\.1 101 UPGRADED\r\n[^]*\r\n\r\necho 12345678$/);
  });
}

for (const [name, pieces] of [['with the head', [`${head}refused!`]], ['after the head', [head, 'refused!']]] as const) {
  test(`serveUpgrades() answers an error as an ordinary response when the body comes ${name}`, async () => {
    assert.match(await exchange(pieces), /^HTTP\/1\.1 418 [^]*no/);
  });
}
