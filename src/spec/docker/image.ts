// Docker's image JSON as types: what clients read from /images. Source: Docker Engine API v1.24–v1.51, checked against dockerd 28.5.
import type { Descriptor, Platform } from '../oci/image.ts';

/** One row of `GET /images/json`. */
export interface ImageSummary {
  /** How many containers use it; -1: not counted. */
  readonly Containers: number;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly ParentId: string;
  readonly RepoDigests: readonly string[];
  readonly RepoTags: readonly string[];
  /** Bytes shared with other images; -1: not counted. */
  readonly SharedSize: number;
  readonly Size: number;
  /** With `manifests=1`: what the name points to, and lists. */
  readonly Descriptor?: Descriptor;
  readonly Manifests?: readonly ManifestSummary[];
}

/** A manifest of an image's index, or its only one. Sizes in bytes: of what is kept compressed, and of all. */
export interface ManifestSummary {
  readonly ID: string;
  readonly Descriptor: Descriptor;
  readonly Available: boolean;
  readonly Kind: 'image' | 'attestation' | 'unknown';
  readonly Size: { readonly Content: number; readonly Total: number };
  readonly ImageData?: { readonly Platform: Platform; readonly Containers: readonly string[]; readonly Size: { readonly Unpacked: number } };
  readonly AttestationData?: { readonly For: string };
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Parent: string;
  readonly Comment: string;
  /** RFC 3339; absent when the image's configuration has none. */
  readonly Created?: string;
  readonly DockerVersion: string;
  readonly Author: string;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Os: string;
  readonly Size: number;
  readonly GraphDriver: { readonly Data: Readonly<Record<string, string>> | null; readonly Name: string };
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly string[] };
  readonly Metadata: { readonly LastTagTime: string };
  readonly Config: ImageInspectConfig;
}

export interface ImageInspectConfig {
  readonly ArgsEscaped?: boolean;
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly Env: readonly string[] | null;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Healthcheck?: object;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly OnBuild: readonly string[] | null;
  readonly Shell?: readonly string[];
  readonly StopSignal?: string;
  readonly User: string;
  readonly Volumes: Readonly<Record<string, object>> | null;
  readonly WorkingDir: string;
}

/** One line of the answer to `DELETE /images/{name}`. */
export type ImageDeleteItem = { readonly Untagged: string } | { readonly Deleted: string };

/** One message of the JSON streams that load, import (and later pull, push, build) send. */
export interface ProgressMessage {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  /** The same as text, with a bar. */
  readonly progress?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message: string; /** Ours: first and last lines of the Dockerfile that it is about. */ readonly lines?: readonly (readonly [number, number])[]; /** Ours: the last of what the step said. */ readonly output?: string };
  readonly aux?: unknown;
}
