// The built-in image estiva/hello: one layer with one file, /hello, made here and now for the machine's processor. The same version of Estiva
// makes the same bytes, so its digests are fixed.
import { type Digest, digestOf } from '../../base/index.ts';
import { type Architecture, assemble, hostArchitecture, staticElf } from '../../kernel/index.ts';
import type { ImageConfig } from '../../spec/oci/image.ts';
import { blockBytes, formatHeader, tarHeader } from '../../spec/tar/index.ts';
import type { BuiltInImage } from '../built-in.ts';
import { helloProgram } from './program.ts';

export const helloReference = 'estiva/hello:latest';

const created = '2026-01-01T00:00:00Z';
const goArchitecture = { x64: 'amd64', arm64: 'arm64' } as const;

/** For `openImages`: there without a registry. */
export function builtInHello(): BuiltInImage {
  return { reference: helloReference, config: helloConfig(), layerTar: helloLayer() };
}

/** An uncompressed tar with /hello. */
export function helloLayer(architecture: Architecture = hostArchitecture()): Uint8Array {
  const elf = helloExecutable(architecture);
  const header = formatHeader(tarHeader({ type: 'file', path: 'hello', mode: 0o755, sizeBytes: elf.length, mtimeSeconds: Date.parse(created) / 1000 }));
  const padding = Buffer.alloc((blockBytes - (elf.length % blockBytes)) % blockBytes + 2 * blockBytes);
  return Buffer.concat([header, elf, padding]);
}

/** The configuration of the image; `layer` is the diff id of its layer. */
export function helloConfig(architecture: Architecture = hostArchitecture(), layer: Digest = digestOf(helloLayer(architecture))): ImageConfig {
  return {
    created,
    architecture: goArchitecture[architecture],
    os: 'linux',
    config: { Cmd: ['/hello'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [layer] },
    history: [{ created, created_by: 'estiva', comment: 'built into Estiva' }],
  };
}

/** The static ELF of the hello program. */
export function helloExecutable(architecture: Architecture): Uint8Array {
  return staticElf(assemble(helloProgram(), architecture), architecture);
}
