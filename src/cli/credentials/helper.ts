// Credential helpers: programs `docker-credential-NAME` that keep passwords elsewhere (a keychain, a password store). Source: the protocol of
// docker-credential-helpers: one word as the argument, the server or JSON on stdin, JSON or a sentence on stdout.
import { spawn } from 'node:child_process';
import { decode, messageOf } from '../../base/index.ts';
import { Exit } from '../errors.ts';

export interface Secret {
  readonly username: string;
  readonly secret: string;
}

/** What a helper answers when it has nothing; it ends with a code, as for a failure. */
const nothing = /credentials not found in native keychain/;
const answerBytesMax = 1 << 20;
const timeoutMs = 60_000;

const secretOf = decode.object<{ readonly Username: string; readonly Secret: string }>({ Username: decode.text, Secret: decode.text });

/** undefined: it has none. @throws Exit when the helper fails, or is not there */
export async function getSecret(helper: string, server: string): Promise<Secret | undefined> {
  const { code, text } = await run(helper, 'get', server);
  if (code !== 0 && nothing.test(text)) return undefined;
  if (code !== 0) throw failed(helper, 'get', text);
  try {
    const { Username, Secret } = decode.decodeJson(text, secretOf);
    return { username: Username, secret: Secret };
  } catch {
    // No cause: the reason may quote the answer.
    throw new Exit(1, `The credential helper docker-credential-${helper} answers with what is no JSON of its protocol`);
  }
}

export async function storeSecret(helper: string, server: string, { username, secret }: Secret): Promise<void> {
  const { code, text } = await run(helper, 'store', JSON.stringify({ ServerURL: server, Username: username, Secret: secret }));
  if (code !== 0) throw failed(helper, 'store', text);
}

export async function eraseSecret(helper: string, server: string): Promise<void> {
  const { code, text } = await run(helper, 'erase', server);
  if (code !== 0 && !nothing.test(text)) throw failed(helper, 'erase', text);
}

function failed(helper: string, word: string, text: string): Exit {
  return new Exit(1, `error ${word === 'get' ? 'getting' : word === 'store' ? 'storing' : 'erasing'} credentials - err: docker-credential-${helper} ${word} failed, out: \`${text.trim().slice(0, 300)}\``);
}

function run(helper: string, word: string, input: string): Promise<{ readonly code: number; readonly text: string }> {
  // The name is from a file and becomes part of a program's: a path in it would be another program.
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) throw new Exit(1, `Invalid name of a credential helper: ${JSON.stringify(helper.slice(0, 100))}`);
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${helper}`, [word], { stdio: ['pipe', 'pipe', 'inherit'], timeout: timeoutMs });
    const chunks: Buffer[] = [];
    let total = 0;
    child.stdout.on('data', (chunk: Buffer) => { total += chunk.length; if (total <= answerBytesMax) chunks.push(chunk); else child.kill(); });
    child.once('error', (error) => reject(new Exit(1, 'code' in error && error.code === 'ENOENT'
      ? `error getting credentials - err: exec: "docker-credential-${helper}": executable file not found in $PATH` : `Cannot run docker-credential-${helper}: ${messageOf(error)}`)));
    child.once('close', (code) => resolve({ code: code ?? 1, text: Buffer.concat(chunks).toString('utf8') }));
    child.stdin.on('error', () => undefined); // A helper that does not read: its answer and code say enough.
    child.stdin.end(input);
  });
}
