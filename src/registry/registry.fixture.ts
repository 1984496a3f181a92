// Two servers for tests: a registry in memory that is honest unless a test tells it otherwise, and a proxy that leads every host to it. It speaks HTTP or, with a
// certificate of its own (a key for tests, good for a hundred years), TLS.
import { createHash } from 'node:crypto';
import { createServer as createPlain, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import { connect, type AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers in the registry's place; false: the registry answers itself. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean | undefined | void;

export interface FakeRegistry extends AsyncDisposable {
  /** `127.0.0.1:12345` */
  readonly host: string;
  readonly url: string;
  readonly seen: Seen[];
  readonly blobs: Map<string, Buffer>;
  /** By tag and by digest. */
  readonly manifests: Map<string, { readonly bytes: Buffer; readonly type: string }>;
  behave: Behaviour | undefined;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export async function openFakeRegistry({ tls = false, behave }: { readonly tls?: boolean; readonly behave?: Behaviour } = {}): Promise<FakeRegistry> {
  const seen: Seen[] = [];
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry.invalid');
    seen.push({ method: request.method ?? '', path: `${url.pathname}${url.search}`, headers: request.headers });
    if (registry.behave?.(request, response, url) !== true && !response.headersSent) honest(registry, request, response, url).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = tls ? createTls({ key, cert: certificate }, answer) : createPlain(answer);
  const port = await listen(server);
  const host = `127.0.0.1:${port}`;
  const registry: FakeRegistry = { host, url: `${tls ? 'https' : 'http'}://${host}`, seen, blobs: new Map(), manifests: new Map(), behave, [Symbol.asyncDispose]: () => close(server) };
  return registry;
}

/** Everything that is asked through it goes to `registry`; what was asked for: `connected`. */
export async function openFakeProxy(registry: FakeRegistry): Promise<{ readonly url: string; readonly connected: string[] } & AsyncDisposable> {
  const connected: string[] = [];
  const server = createPlain((_request, response) => { response.writeHead(502).end(); });
  server.on('connect', (request, socket) => {
    connected.push(request.url ?? '');
    const upstream = connect({ host: '127.0.0.1', port: Number(registry.host.split(':')[1]) }, () => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); socket.pipe(upstream).pipe(socket); });
    const end = (): void => { socket.destroy(); upstream.destroy(); };
    upstream.on('error', end).on('close', end);
    socket.on('error', end).on('close', end);
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, connected, [Symbol.asyncDispose]: () => close(server) };
}

/** Puts a blob in. @returns its descriptor */
export function addBlob(registry: FakeRegistry, bytes: Buffer): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  const digest = sha256(bytes);
  registry.blobs.set(digest, bytes);
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: bytes.length };
}

/** Puts a manifest in, under `tag` and its digest. */
export function addManifest(registry: FakeRegistry, tag: string, value: object | Buffer, type = manifestType): string {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  const digest = sha256(bytes);
  registry.manifests.set(tag, { bytes, type }).set(digest, { bytes, type });
  return digest;
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function refuse(response: ServerResponse, status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): true {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify({ errors: [{ code, message }] }));
  return true;
}

async function honest(registry: FakeRegistry, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const [, name = '', kind = '', rest = ''] = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs|tags)\/(.*)$/.exec(url.pathname) ?? [];
  if (url.pathname === '/v2/') response.writeHead(200).end('{}');
  else if (kind === 'manifests') await manifest(registry, rest, request, response);
  else if (kind === 'blobs') blob(registry, rest, request, response);
  else if (kind === 'blobs/uploads') await upload(registry, name, request, response, url);
  else if (kind === 'tags') response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ name, tags: [...registry.manifests.keys()].filter((tag) => !tag.includes(':')) }));
  else refuse(response, 404, 'NOT_FOUND', 'not found');
}

async function manifest(registry: FakeRegistry, reference: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'PUT') {
    const digest = addManifest(registry, reference, await bodyOf(request), request.headers['content-type']);
    response.writeHead(201, { 'Docker-Content-Digest': digest }).end();
    return;
  }
  const found = registry.manifests.get(reference);
  if (found === undefined) { refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown'); return; }
  response.writeHead(200, { 'Content-Type': found.type, 'Content-Length': found.bytes.length, 'Docker-Content-Digest': sha256(found.bytes) }).end(request.method === 'HEAD' ? undefined : found.bytes);
}

function blob(registry: FakeRegistry, digest: string, request: IncomingMessage, response: ServerResponse): void {
  const bytes = registry.blobs.get(digest);
  if (bytes === undefined) { refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry'); return; }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const begin = Number(from ?? 0);
  const end = to === undefined || to === '' ? bytes.length : Math.min(bytes.length, Number(to) + 1);
  const range = from === undefined ? {} : { 'Content-Range': `bytes ${begin}-${end - 1}/${bytes.length}` };
  response.writeHead(from === undefined ? 200 : 206, { 'Content-Type': 'application/octet-stream', 'Content-Length': end - begin, ...range }).end(request.method === 'HEAD' ? undefined : bytes.subarray(begin, end));
}

/** Uploads keep what they have in `blobs`, under their own address. */
async function upload(registry: FakeRegistry, name: string, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const mounted = url.searchParams.get('mount');
  if (request.method === 'POST' && mounted !== null && registry.blobs.has(mounted)) { response.writeHead(201, { Location: `/v2/${name}/blobs/${mounted}` }).end(); return; }
  const location = request.method === 'POST' ? `/v2/${name}/blobs/uploads/${registry.blobs.size}-${registry.seen.length}` : url.pathname;
  const before = registry.blobs.get(location) ?? Buffer.alloc(0);
  const have = request.method === 'PATCH' || request.method === 'PUT' ? Buffer.concat([before, await bodyOf(request)]) : before;
  registry.blobs.set(location, have);
  const range = { Location: location, Range: `0-${Math.max(0, have.length - 1)}` };
  if (request.method === 'PUT') finish(registry, url.searchParams.get('digest') ?? '', have, response);
  else response.writeHead(request.method === 'GET' ? 204 : 202, range).end();
}

function finish(registry: FakeRegistry, digest: string, have: Buffer, response: ServerResponse): void {
  if (sha256(have) !== digest) { refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content'); return; }
  registry.blobs.set(digest, have);
  response.writeHead(201, { 'Docker-Content-Digest': digest }).end();
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray() as Buffer[]);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)); });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => { server.close(() => resolve()); server.closeAllConnections(); });
}

/** Of `certificate`: for tests, and known to everybody. */
export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVCgbAwiHSy1yVSv/
wPSnvy0hDHshqg1UriFTgFO89DehRANCAARBnp30xnfaV5iYHu4i9wZF3hZnAvHz
vN5lX4CF5gQOiKfO6b+7djFLCGKYP4L9v+NORjzXloAgTi/2F8pc+4/j
-----END PRIVATE KEY-----
`;

/** For localhost, 127.0.0.1, registry.example, cdn.example and auth.example. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIB4DCCAYagAwIBAgIUespB6OfrhqadsP0xpZDd5V3g/wQwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwURXN0aXZhIHRlc3QgcmVnaXN0cnkwIBcNMjYxMTI0MTIzNDAw
WhgPMjEyNjEwMzExMjM0MDBaMB8xHTAbBgNVBAMMFEVzdGl2YSB0ZXN0IHJlZ2lz
dHJ5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQZ6d9MZ32leYmB7uIvcGRd4W
ZwLx87zeZV+AheYEDoinzum/u3YxSwhimD+C/b/jTkY815aAIE4v9hfKXPuP46OB
nTCBmjAdBgNVHQ4EFgQUaSli5YZQ/+GBT/CZ/nZThjDoxZgwHwYDVR0jBBgwFoAU
aSli5YZQ/+GBT/CZ/nZThjDoxZgwRwYDVR0RBEAwPoIJbG9jYWxob3N0ghByZWdp
c3RyeS5leGFtcGxlggtjZG4uZXhhbXBsZYIMYXV0aC5leGFtcGxlhwR/AAABMA8G
A1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgFDbMIpMSf0MOv2GjYccq
p6spKeOiOzlH04sbNmwvFi4CIQDBkvPu8MbUswND9cA6AEGC8oSB9rFYb4jBgBS9
NvnSWQ==
-----END CERTIFICATE-----
`;
