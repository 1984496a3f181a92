// What a registry wants to see before it answers: nothing, a password (Basic), or a token that somebody else gives for the password (Bearer). Tokens are kept
// until shortly before they expire, for the scopes that they were given for.
//
// A registry says itself where its tokens are given (the realm). That is how credentials were stolen from clients more than once, so: a realm has TLS, or is
// on the same host as a registry that itself is reached without TLS because the administrator said so; and it is not an address of this machine or link,
// unless the registry is.
import { decode, fail, isFail } from '../base/index.ts';
import { isOnlyHere } from './addresses.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import { failureOf, refusalOf } from './failure.ts';
import type { Credentials } from './registry.ts';
import { readWhole, titleOf, urlText, type Reply, type WireRequest } from './wire.ts';

const tokenBytesMax = 1 << 20;
const clientId = 'estiva';
/** What registries that do not say how long a token lives mean. Source: distribution's token specification. */
const lifeSecondsDefault = 60;
/** A token is not used in its last seconds: it would expire on its way. */
const marginMs = 5_000;

interface Token {
  readonly value: string;
  readonly expiresAtMs: number;
}

export interface AuthorizationOptions {
  /** The registry's own address; credentials are for it alone. */
  readonly registry: URL;
  readonly credentials: Credentials | undefined;
  /** Whether the realm is asked for an identity token, too, to keep in the place of the password. */
  readonly isLogin: boolean;
  /** Asks the realm: without authorization of its own, with retries. */
  readonly ask: (request: Omit<WireRequest, 'signal'>) => Promise<Reply>;
}

export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #tokens = new Map<string, Token>();
  readonly #asked = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  #identityToken: string | undefined;

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /** The header for a request that needs `scopes`; undefined while nobody has asked for one. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    const { credentials } = this.#options;
    if (credentials?.registryToken !== undefined && credentials.registryToken !== '') return `Bearer ${bare(credentials.registryToken)}`;
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'basic') return basicOf(credentials);
    const key = keyOf(scopes);
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expiresAtMs > Date.now()) return `Bearer ${known.value}`;
    return `Bearer ${(await this.#fetchOnce(key, this.#challenge, scopes)).value}`;
  }

  /** Layers come several at once: when their token has expired, one asks for all. */
  #fetchOnce(key: string, challenge: Challenge, scopes: readonly string[]): Promise<Token> {
    const asked = this.#asked.get(key) ?? this.#fetchToken(challenge, scopes).then((token) => {
      this.#tokens.set(key, token);
      return token;
    }).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }

  /** Whether a request that was answered 401 is worth sending once more. @throws `denied` when the registry wants credentials and there are none */
  learn(reply: Reply, request: Pick<WireRequest, 'method' | 'url'>, scopes: readonly string[], sent: string | undefined): boolean {
    if (this.#options.credentials?.registryToken) return false;
    const challenges = parseChallenges(reply.headers['www-authenticate'] ?? '');
    const challenge = challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (challenge === undefined) return false;
    if (challenge.scheme === 'basic' && basicOf(this.#options.credentials) === undefined) throw fail('denied', `${titleOf(request)}: no basic auth credentials`, { hint: `Log in first: estiva login ${request.url.host}` });
    const wasKnown = this.#challenge?.scheme === challenge.scheme && sent !== undefined;
    this.#challenge = challenge;
    // A kept token may have been taken back: a fresh one is worth a try. The password stays the same.
    return !wasKnown || (challenge.scheme === 'bearer' && this.#tokens.delete(keyOf(scopes)));
  }

  /** Takes secrets out of a text: a registry may repeat what it was sent. */
  readonly hide = (text: string): string => {
    const { password, identityToken, registryToken } = this.#options.credentials ?? {};
    const secrets = [password, identityToken, registryToken, basicOf(this.#options.credentials)?.slice('Basic '.length), ...[...this.#tokens.values()].map(({ value }) => value)];
    return secrets.filter((secret) => secret !== undefined && secret !== '').reduce<string>((hidden, secret) => hidden.replaceAll(secret!, '…'), text);
  };

  /** What a realm gave at a login. */
  get identityToken(): string | undefined {
    return this.#identityToken;
  }

  async #fetchToken(challenge: Challenge, scopes: readonly string[]): Promise<Token> {
    const realm = realmOf(challenge, this.#options.registry);
    const service = challenge.parameters.get('service') ?? '';
    const asked = scopes.length > 0 ? scopes : [challenge.parameters.get('scope') ?? ''].filter((scope) => scope !== '');
    const reply = await this.#askWithIdentity(realm, service, asked) ?? await this.#options.ask(getRequest(realm, service, asked, this.#options));
    if (reply.status !== 200) throw failureOf(await refusalOf(reply, this.hide), `Get "${urlText(realm)}"`);
    const { token, refreshToken } = await readToken(reply);
    this.#identityToken = refreshToken;
    return token;
  }

  /** With an identity token, as OAuth 2 wants it. @returns undefined when there is none, or the realm knows no POST and there is another way */
  async #askWithIdentity(realm: URL, service: string, scopes: readonly string[]): Promise<Reply | undefined> {
    const { identityToken, password } = this.#options.credentials ?? {};
    if (identityToken === undefined || identityToken === '') return undefined;
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, service, scope: scopes.join(' '), refresh_token: identityToken });
    const reply = await this.#options.ask({ method: 'POST', url: realm, headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' }, body: () => Buffer.from(form.toString()) });
    const isUnknown = reply.status === 404 || reply.status === 405 || reply.status === 501;
    if (!isUnknown || password === undefined || password === '') return reply;
    reply.leave();
    return undefined;
  }
}

function getRequest(realm: URL, service: string, scopes: readonly string[], { credentials, isLogin }: AuthorizationOptions): Omit<WireRequest, 'signal'> {
  const url = new URL(realm);
  if (service !== '') url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (isLogin) url.searchParams.set('offline_token', 'true');
  if (isLogin) url.searchParams.set('client_id', clientId);
  if (credentials?.username) url.searchParams.set('account', credentials.username);
  const basic = basicOf(credentials);
  return { method: 'GET', url, headers: { Accept: 'application/json', ...basic === undefined ? {} : { Authorization: basic } } };
}

/** @throws `denied` for a realm that must not see credentials, or must not be asked at all */
function realmOf(challenge: Challenge, registry: URL): URL {
  const text = challenge.parameters.get('realm') ?? '';
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  if (realm === undefined || !['https:', 'http:'].includes(realm.protocol)) throw fail('invalid', `The registry ${registry.host} names no place that gives tokens: ${JSON.stringify(text.slice(0, 200))}`);
  realm.username = '';
  realm.password = '';
  realm.hash = '';
  const isNeighbour = realm.hostname === registry.hostname && registry.protocol === 'http:';
  const isPlainHere = isOnlyHere(realm) && isOnlyHere(registry) && registry.protocol === 'http:';
  if (realm.protocol === 'http:' && !isNeighbour && !isPlainHere) throw fail('denied', `The registry ${registry.host} sends for a token to ${realm.host}, without TLS: no credentials go there`, { hint: 'Tell its administrator: the realm must be an https address' });
  if (isOnlyHere(realm) && !isOnlyHere(registry)) throw fail('denied', `The registry ${registry.host} sends for a token to ${realm.host}, an address of this machine or its link: nothing is asked there`);
  return realm;
}

const tokenReply = decode.object<{ readonly token: string; readonly access_token: string; readonly refresh_token: string; readonly expires_in: number }>({
  token: decode.text, access_token: decode.text, refresh_token: decode.text, expires_in: decode.integer,
});

async function readToken(reply: Reply): Promise<{ readonly token: Token; readonly refreshToken: string | undefined }> {
  const bytes = await readWhole(reply, tokenBytesMax);
  let answer;
  try {
    answer = decode.decodeJson(bytes.toString('utf8'), tokenReply);
  } catch (error) {
    // The reason may quote the answer, and a token may be in it.
    throw isFail(error) ? fail('invalid', `The answer of ${urlText(reply.url)} is no token`) : error;
  }
  const value = answer.token || answer.access_token;
  if (value === '') throw fail('invalid', `The answer of ${urlText(reply.url)} has no token in it`);
  const lifeMs = Math.max(answer.expires_in || lifeSecondsDefault, lifeSecondsDefault) * 1000;
  return { token: { value: bare(value), expiresAtMs: Date.now() + lifeMs - marginMs }, refreshToken: answer.refresh_token || undefined };
}

/** What can stand in a header. @throws `invalid`, without the token */
function bare(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) throw fail('invalid', 'The token of a registry has characters that no token has');
  return token;
}

function basicOf(credentials: Credentials | undefined): string | undefined {
  if (credentials?.username === undefined || credentials.username === '' || credentials.password === undefined || credentials.password === '') return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

function keyOf(scopes: readonly string[]): string {
  return scopes.join(' ');
}
