// Networks: what containers are connected to.
export * from './network.ts';
export { openNetworks, type NetworksOptions } from './open.ts';
