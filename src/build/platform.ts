// Platforms as Dockerfiles write them, and the arguments that tell a build about them. Source: Dockerfile reference, "Automatic platform ARGs in the
// global scope"; containerd's notation os/architecture/variant.
import { wrong } from '../spec/dockerfile/index.ts';
import type { Platform } from '../spec/oci/image.ts';
import { formatPlatform } from '../spec/oci/platform.ts';
import type { BuildRequest } from './request.ts';

const systems: ReadonlySet<string> = new Set(['aix', 'android', 'darwin', 'dragonfly', 'freebsd', 'hurd', 'illumos', 'ios', 'js', 'linux', 'nacl', 'netbsd', 'openbsd', 'plan9', 'solaris', 'windows', 'zos']);
const architectures: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  '386': ['386'], i386: ['386'], amd64: ['amd64'], x86_64: ['amd64'], 'x86-64': ['amd64'], arm64: ['arm64'], aarch64: ['arm64'], arm: ['arm', 'v7'], armhf: ['arm', 'v7'], armel: ['arm', 'v6'],
  loong64: ['loong64'], mips: ['mips'], mipsle: ['mipsle'], mips64: ['mips64'], mips64le: ['mips64le'], ppc64: ['ppc64'], ppc64le: ['ppc64le'], riscv64: ['riscv64'], s390x: ['s390x'], wasm: ['wasm'],
};

/** `linux/arm64/v8`, `arm64`, `linux`. @throws in containerd's words */
export function readPlatform(text: string, host: Platform): Platform {
  const parts = text.split('/').map((part) => part.toLowerCase());
  const bad = parts.find((part) => !/^[a-z0-9_.-]+$/.test(part));
  if (bad !== undefined) throw wrong(`${JSON.stringify(bad)} is an invalid component of ${JSON.stringify(text)}: platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument`);
  if (parts.length > 3) throw wrong(`${JSON.stringify(text)}: cannot parse platform specifier: invalid argument`, 'Write os/architecture, as in linux/amd64');
  if (parts.length === 1 && systems.has(parts[0]!)) return { ...host, os: parts[0]! };
  if (parts.length === 1 && !Object.hasOwn(architectures, parts[0]!)) throw wrong(`${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`, 'Write os/architecture, as in linux/amd64');
  const [os, name, variant] = parts.length === 1 ? ['linux', parts[0]!] : [parts[0]!, parts[1]!, parts[2]];
  const [architecture, usual] = Object.hasOwn(architectures, name) ? architectures[name]! : [name];
  const given = variant ?? usual;
  return { os, architecture, ...given === undefined || (architecture === 'arm64' && given === 'v8') ? {} : { variant: given } };
}

/** The arguments that are there without being declared before FROM; a build argument of the same name wins. */
export function platformArguments({ platform, buildPlatform, buildArgs }: BuildRequest, targetStage: string): ReadonlyMap<string, string> {
  const values: Readonly<Record<string, string>> = {
    BUILDPLATFORM: formatPlatform(buildPlatform), BUILDOS: buildPlatform.os, BUILDOSVERSION: '', BUILDARCH: buildPlatform.architecture, BUILDVARIANT: buildPlatform.variant ?? '',
    TARGETPLATFORM: formatPlatform(platform), TARGETOS: platform.os, TARGETOSVERSION: '', TARGETARCH: platform.architecture, TARGETVARIANT: platform.variant ?? '',
    TARGETSTAGE: targetStage === '' ? 'default' : targetStage,
  };
  return new Map(Object.entries(values).map(([name, value]) => [name, buildArgs.get(name) ?? value]));
}
