// Docker's JSON about registries. Source: Docker Engine API v1.24–v1.51, checked against dockerd 28.5.

/** One row of `GET /images/search`. */
export interface SearchItem {
  readonly star_count: number;
  readonly is_official: boolean;
  readonly name: string;
  readonly is_automated: boolean;
  readonly description: string;
}

/** `POST /auth`. */
export interface LoginAnswer {
  readonly IdentityToken: string;
  readonly Status: string;
}

/** Credentials on their way to the daemon: the body of `POST /auth`, and what X-Registry-Auth carries. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}
