// What Docker's API says of a path in a container (X-Docker-Container-Path-Stat, base64 of JSON), of changed files, and of an image's history.
// Source: Docker Engine API v1.24–v1.51, checked against dockerd 28.5.

export interface PathStatView {
  readonly name: string;
  readonly size: number;
  /** Go's os.FileMode. */
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

export interface ChangeView {
  readonly Path: string;
  /** 0 modified, 1 added, 2 deleted. */
  readonly Kind: 0 | 1 | 2;
}

export interface HistoryItem {
  readonly Comment: string;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Id: string;
  readonly Size: number;
  readonly Tags: readonly string[] | null;
}
