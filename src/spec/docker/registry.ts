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
