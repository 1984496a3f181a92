// Networks: what containers are connected to.
export * from './network.ts';
export { resolverAddress } from './dns/rewriting.ts';
export { openDns } from './dns/open.ts';
export { openFabric } from './fabric/index.ts';
export { openNetworks, type NetworksOptions } from './open.ts';
