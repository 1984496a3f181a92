// Storage: everything that stays.
export { explainDiskFull } from './disk-full.ts';
export { giveTree } from './give-tree.ts';
export { openStorage } from './open.ts';
export { makeOwnDirectory } from './own-directory.ts';
export * from './storage.ts';
export { pack, type PackedTar } from './pack-elsewhere.ts';
export { compareTrees, type Change } from './compare.ts';
export type { SurveyedEntry } from './survey.ts';
export { unpackInto } from './unpack-elsewhere.ts';
export { copyTree, emptyDirectory, isEmptyDirectory, type CopyOptions } from './copy-elsewhere.ts';
export type { CopyProgress } from './copy-tree.ts';
export { allEntriesIn } from './listing.ts';
export { nameArgument } from './names.ts';
export { readAttributes } from './attributes.ts';
export { Turn } from './turn.ts';
