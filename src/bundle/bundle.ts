// A bundle: a directory with a config.json and, most often, the root file system. What is read here is ready to be planned: paths are whole.
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { normalize, resolve } from 'node:path/posix';
import { fail } from '../base/index.ts';
import { decodeSpec } from '../spec/oci/runtime-config.ts';
import type { Mount, Spec } from '../spec/oci/runtime.ts';

const configBytesMax = 16 * 1024 * 1024;

export interface Bundle {
  readonly path: string;
  readonly configText: string;
  readonly spec: Spec;
  /** Where the root file system is, without links. */
  readonly rootfs: string;
}

/** @throws EstivaError `not_found` or `invalid`, naming what is wrong. */
export function openBundle(given: string): Bundle {
  const path = realOf(given, 'bundle');
  const configText = readConfig(`${path}/config.json`);
  const spec = decodeSpec(configText);
  const rootfs = realOf(resolve(path, spec.root.path), 'root.path: rootfs');
  if (!statSync(rootfs).isDirectory()) throw fail('invalid', `root.path: rootfs ${JSON.stringify(rootfs)} is not a directory`);
  return { path, configText, rootfs, spec: { ...spec, mounts: spec.mounts.map((mount, index) => wholePaths(mount, index, path)) } };
}

function readConfig(path: string): string {
  try {
    const size = lstatSync(path).size;
    if (size > configBytesMax) throw fail('too_large', `${path} has ${size} bytes, and ${configBytesMax} is the limit`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw fail('not_found', `JSON specification file ${path} not found`, { hint: 'Make one with "estiva-runtime spec", or name the bundle with --bundle', cause: error });
    throw error;
  }
}

function realOf(path: string, what: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw fail('not_found', `${what} ${JSON.stringify(path)} does not exist`, { cause: error });
  }
}

/** Destinations are the container's own paths; a bind's relative source lies in the bundle. */
function wholePaths(mount: Mount, index: number, bundle: string): Mount {
  if (mount.destination.includes('\0')) throw fail('invalid', `mounts[${index}].destination: a path has no NUL`);
  const isBind = mount.type === 'bind' || mount.options?.some((option) => option === 'bind' || option === 'rbind') === true;
  const destination = normalize(`/${mount.destination}`).replace(/(.)\/$/, '$1');
  return { ...mount, destination, ...(isBind && mount.source !== undefined ? { source: resolve(bundle, mount.source) } : {}) };
}
