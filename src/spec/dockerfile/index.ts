// The language of Dockerfiles: text → typed instructions with the lines they stand in; variables; .dockerignore. Pure, linear in time, bounded in memory.
export type { Escape } from './directives.ts';
export { heredocMark, meantContent } from './heredoc.ts';
export { configure, defaultShell, type Configuring } from './configure.ts';
export { excerpt } from './excerpt.ts';
export { exposedPorts, splitPort } from './exposed-ports.ts';
export { expand, type Lookup } from './expand.ts';
export { parseIgnoreFile, pathMatcher, type IgnoreFile } from './ignore.ts';
export * from './instruction.ts';
export { mountSource, type Mount } from './mount.ts';
export { parseChanges, parseDockerfile, parseTrigger, readDockerfile, type Dockerfile, type Stage } from './parse.ts';
export { replaceVariables, type Replaced } from './replace.ts';
export { DockerfileError, locate, wrong, type LineRange } from './source.ts';
export { dockerfileBytesMax } from './statements.ts';
export { didYouMean, nearest } from './suggest.ts';
