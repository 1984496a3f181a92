// Login: whether a registry takes these credentials, and whether it gives a token to keep in the place of the password.
import { fail } from '../base/index.ts';
import type { Endpoint } from './endpoint.ts';
import { titleOf } from './wire.ts';

export async function login(endpoint: Endpoint): Promise<{ readonly identityToken: string | undefined }> {
  const reply = await endpoint.send({ method: 'GET', path: 'v2/', scopes: [] });
  reply.leave();
  if (reply.status === 200) return { identityToken: (await endpoint.authorization()).identityToken };
  const url = titleOf({ method: 'GET', url: reply.url }).replaceAll(/^Get |"/g, '');
  throw fail(reply.status === 401 ? 'unauthorized' : reply.status === 403 ? 'denied' : 'unavailable', `login attempt to ${url} failed with status: ${reply.status} ${reply.statusText}`.trimEnd());
}
