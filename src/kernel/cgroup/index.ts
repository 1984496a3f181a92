export type { BlockCount, CgroupFigures, FigureReader } from './figures.ts';
export { openCgroups, type CgroupJoin, type Cgroups, type ControllerName } from './cgroups.ts';
export { readBlockIoAbilities, type BlockIoAbilities } from './block-io.ts';
