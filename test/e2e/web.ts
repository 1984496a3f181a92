// Servers of a test on loopback: files over HTTP that remember who asked, and a git repository that is served by git's own CGI.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after } from 'node:test';

export interface Web {
  readonly url: string;
  /** `GET /a.txt`, with what decided about the answer. */
  readonly asked: { readonly line: string; readonly status: number }[];
}

/** Serves until the file's tests have ended. */
export async function serve(answer: RequestListener): Promise<Web> {
  const asked: { line: string; status: number }[] = [];
  const server: Server = createServer((request, response) => {
    response.on('finish', () => asked.push({ line: `${request.method} ${request.url}`, status: response.statusCode }));
    answer(request, response);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const identity = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@b', GIT_AUTHOR_DATE: '1600000000 +0000', GIT_COMMITTER_DATE: '1600000000 +0000', GIT_CONFIG_GLOBAL: '/dev/null' };

export interface Repository {
  readonly dir: string;
  git(...args: readonly string[]): string;
  /** A submodule, without asking its server: `commit` of what is at `url`. */
  link(name: string, url: string, commit: string): void;
  /** Writes the files and commits them; the commit's id. */
  commit(files: Readonly<Record<string, string>>): string;
}

export function makeRepository(dir: string): Repository {
  mkdirSync(dir, { recursive: true });
  const git = (...args: readonly string[]): string => execFileSync('git', ['-C', dir, ...args], { encoding: 'utf8', env: { ...process.env, ...identity }, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  git('init', '--quiet', '--initial-branch=main');
  return {
    dir, git,
    link: (name, url, commit) => {
      git('config', '-f', '.gitmodules', `submodule.${name}.path`, name);
      git('config', '-f', '.gitmodules', `submodule.${name}.url`, url);
      git('add', '.gitmodules');
      git('update-index', '--add', '--cacheinfo', `160000,${commit},${name}`);
    },
    commit: (files) => {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, name)), { recursive: true });
        writeFileSync(join(dir, name), text);
      }
      if (Object.keys(files).length > 0) git('add', '--', ...Object.keys(files));
      git('commit', '--quiet', '-m', 'x');
      return git('rev-parse', 'HEAD');
    },
  };
}

/** `/r.git/…`: the repository `root/r/.git`, by git-http-backend. */
export function gitBackend(root: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = new URL(request.url ?? '', 'http://h');
    const env = {
      ...process.env, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: url.pathname.replace(/^\/([\w-]+)\.git/, '/$1/.git'), QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method, REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'] ?? '', HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '', GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''), GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*',
    };
    const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => {
      const whole = Buffer.concat(chunks);
      const end = whole.indexOf('\r\n\r\n');
      const headers = whole.subarray(0, end).toString().split('\r\n').map((line) => line.split(': ', 2) as [string, string]);
      const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
      response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status'))).end(whole.subarray(end + 4));
    });
  };
}
