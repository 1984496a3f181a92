// Links and firewall rules of the host.
export * from './fabric.ts';
export { openFabric, type FabricSettings } from './open.ts';
