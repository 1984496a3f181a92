// Tar, read and written on bytes: exactly what is in an image's layer, devices, sparse files and binary attributes included.
export * from './byte-string.ts';
export { blockBytes, tarLimits, type TarEntry, type TarHeader, type TarLimits, type TarType } from './entry.ts';
export { readTar } from './read.ts';
export { formatHeader, tarHeader, writeTar, type TarMember } from './write.ts';
