// What our own endpoints say of an image: GET /images/{name}/estiva/layers, …/estiva/diff and …/estiva/tree. Bytes are bytes, times milliseconds since 1970.
import type { Descriptor, Platform } from '../oci/image.ts';

export type FileKind = 'file' | 'directory' | 'link' | 'device' | 'pipe' | 'socket';

/** What a layer did at one path. */
export interface FileChange {
  /** Absolute. Bytes that are not UTF-8 are shown as U+FFFD. */
  readonly path: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** Of what was removed: what it had been. */
  readonly kind: FileKind;
  /** Of a file; of what was removed, all that was there. */
  readonly sizeBytes: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  /** Where a link points; of a further name of a file, the first. */
  readonly target?: string;
  /** The number of the layer that hides this from the finished image, from 1. */
  readonly hiddenBy?: number;
}

export interface ExploredLayer {
  /** From 1, the lowest. */
  readonly number: number;
  readonly diffId: string;
  /** The instruction that made it; empty when the image does not say. */
  readonly createdBy: string;
  readonly sizeBytes: number;
  /** Bytes of it that later layers hide. */
  readonly wastedBytes: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Each directory before what is in it. Only where files are asked for. */
  readonly files?: readonly FileChange[];
}

/** Bytes that are in the image and cannot be seen in it: a path that later layers overwrote or removed. */
export interface WastedPath {
  readonly path: string;
  readonly wastedBytes: number;
  /** Numbers of the layers that have it. */
  readonly layers: readonly number[];
}

/** Files of the finished image with the same content. */
export interface Duplicate {
  readonly digest: string;
  /** Of each. */
  readonly sizeBytes: number;
  readonly files: readonly { readonly path: string; readonly layer: number }[];
}

export interface Exploration {
  readonly id: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
  readonly wastedBytes: number;
  /** The share of all bytes that can be seen in the finished image, 0 to 1. */
  readonly efficiency: number;
  readonly layers: readonly ExploredLayer[];
  /** Most wasted first. */
  readonly wasted: readonly WastedPath[];
  /** Most bytes first. */
  readonly duplicates: readonly Duplicate[];
}

/** How a path differs between the finished trees of two images. */
export interface ImageDifference {
  readonly path: string;
  readonly change: 'added' | 'changed' | 'removed';
  readonly kind: FileKind;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** What a name leads to: one manifest for each platform, each with its layers. */
export interface ImageTree {
  readonly id: string;
  readonly tags: readonly string[];
  /** The manifest or index that the name points to; absent for an image that was made here and never pushed. */
  readonly target?: Descriptor;
  readonly platforms: readonly PlatformTree[];
}

export interface PlatformTree {
  readonly platform: Platform;
  /** Its manifest; absent as `target` is. */
  readonly manifest?: Descriptor;
  /** The image's id; absent when it is not here. */
  readonly id?: string;
  /** Unpacked. */
  readonly sizeBytes: number;
  /** Lowest first; empty when it is not here. */
  readonly layers: readonly TreeLayer[];
}

export interface TreeLayer {
  readonly diffId: string;
  readonly createdBy: string;
  readonly sizeBytes: number;
  /** How many other images here have it, too. */
  readonly otherImages: number;
}
