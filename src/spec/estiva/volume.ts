// What Estiva's own endpoints say of volumes.

/** `GET /volumes/{name}/estiva/snapshots`: what its files were at a moment; oldest first. */
export interface SnapshotView {
  readonly Name: string;
  /** RFC 3339. */
  readonly CreatedAt: string;
  /** Bytes of its files. */
  readonly Size: number;
}
