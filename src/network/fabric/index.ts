// Links and firewall rules of the host.
export { bridgeSettings, gatewayModes, mtuOf, type BridgeSettings, type GatewayMode } from './bridge-settings.ts';
export * from './fabric.ts';
export { openFabric, type FabricSettings } from './open.ts';
