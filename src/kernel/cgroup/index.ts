export { openCgroups, type CgroupJoin, type Cgroups, type ControllerName } from './cgroups.ts';
