// What a network's driver options mean. The one place that reads them: a network whose options do not read is not made.
// Names that nobody knows are kept and said back, as dockerd does: they are other programs' (`com.docker.compose…`).
import { isIP } from 'node:net';
import { fail } from '../base/index.ts';
import type { Driver, PublishMode } from './network.ts';

const name = {
  bridge: 'com.docker.network.bridge.name',
  mtu: 'com.docker.network.driver.mtu',
  icc: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding4: 'com.docker.network.bridge.host_binding_ipv4',
  inhibit4: 'com.docker.network.bridge.inhibit_ipv4',
  gatewayMode4: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayMode6: 'com.docker.network.bridge.gateway_mode_ipv6',
  hostAddress4: 'com.docker.network.host_ipv4',
  hostAddress6: 'com.docker.network.host_ipv6',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
  /** Ours: how ports of its containers are published. */
  publishMode: 'estiva.network.publish_mode',
} as const;

export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';
export type MacvlanMode = 'bridge' | 'private' | 'vepa' | 'passthru';
export type IpvlanMode = 'l2' | 'l3' | 'l3s';

export interface BridgeOptions {
  /** undefined: one of our own. */
  readonly bridgeName: string | undefined;
  readonly mtu: number | undefined;
  /** Whether its containers reach each other. */
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Where ports without a host address are published. */
  readonly hostBinding4: string;
  /** The bridge itself gets no IPv4 address. */
  readonly inhibit4: boolean;
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  /** The addresses of this machine that its containers are seen with outside; undefined: those of the link that they leave by. */
  readonly hostAddress4: string | undefined;
  readonly hostAddress6: string | undefined;
  readonly interfacePrefix: string;
  readonly publishMode: PublishMode;
}

/** Of macvlan and ipvlan. */
export interface ParentOptions {
  /** '' for none: containers of it reach only each other. `eth0.50` is VLAN 50 of eth0. */
  readonly parent: string;
  readonly mtu: number | undefined;
  readonly macvlanMode: MacvlanMode;
  readonly ipvlanMode: IpvlanMode;
  readonly interfacePrefix: string;
}

type Options = Readonly<Record<string, string>>;

/** @throws `invalid` in dockerd's words */
export function bridgeOptions(options: Options): BridgeOptions {
  return {
    bridgeName: bridgeNameOf(options),
    mtu: mtuOf(options),
    icc: truth(options, name.icc, true),
    masquerade: truth(options, name.masquerade, true),
    hostBinding4: hostBindingOf(options),
    inhibit4: truth(options, name.inhibit4, false),
    gatewayMode4: gatewayModeOf(options, name.gatewayMode4),
    gatewayMode6: gatewayModeOf(options, name.gatewayMode6),
    hostAddress4: hostAddressOf(options, name.hostAddress4, 4),
    hostAddress6: hostAddressOf(options, name.hostAddress6, 6),
    interfacePrefix: interfacePrefixOf(options),
    publishMode: choice(options, name.publishMode, ['nat', 'host-socket'], (value) => fail('invalid', `failed to parse ${name.publishMode} value: ${value} (unknown publish mode ${value})`, { hint: 'Use nat or host-socket' })),
  };
}

/** @throws `invalid` in dockerd's words */
export function parentOptions(options: Options): ParentOptions {
  const unknownMode = (driver: string, standard: string) => (value: string) => fail('invalid', `requested ${driver} mode '${value}' is not valid, '${standard}' mode is the ${driver} driver default`);
  return {
    parent: options['parent'] ?? '',
    mtu: mtuOf(options),
    macvlanMode: choice(options, 'macvlan_mode', ['bridge', 'private', 'vepa', 'passthru'], unknownMode('macvlan', 'bridge')),
    ipvlanMode: choice(options, 'ipvlan_mode', ['l2', 'l3', 'l3s'], unknownMode('ipvlan', 'l2')),
    interfacePrefix: interfacePrefixOf(options),
  };
}

/** @throws `invalid` for options that the driver cannot read */
export function checkOptions(driver: Driver, options: Options, isInternal: boolean): void {
  if (driver === 'macvlan' || driver === 'ipvlan') return void parentOptions(options);
  if (driver !== 'bridge') return;
  const { gatewayMode4, gatewayMode6 } = bridgeOptions(options);
  if (!isInternal && [gatewayMode4, gatewayMode6].includes('isolated')) throw fail('invalid', "gateway mode 'isolated' can only be used for an internal network");
}

/** `eth` for `eth0`, `eth1` … inside. */
export function interfacePrefixOf(options: Options): string {
  const prefix = options[name.interfacePrefix] ?? '';
  if (prefix === '') return 'eth';
  if (!/^[^\s/:%]{1,12}$/.test(prefix)) throw fail('invalid', `failed to parse ${name.interfacePrefix} value: ${prefix.slice(0, 100)} (not the beginning of an interface's name)`, { hint: 'At most 12 characters, without spaces, slashes, colons and percent signs' });
  return prefix;
}

/** What `docker network inspect bridge` shows of the default one. */
export function defaultBridgeOptions(bridgeName: string): Options {
  return {
    'com.docker.network.bridge.default_bridge': 'true', [name.icc]: 'true', [name.masquerade]: 'true', [name.hostBinding4]: '0.0.0.0', [name.bridge]: bridgeName, [name.mtu]: '1500',
  };
}

function bridgeNameOf(options: Options): string | undefined {
  const value = options[name.bridge] ?? '';
  if (value === '') return undefined;
  // Source: linux/if.h (IFNAMSIZ), dev_valid_name() in net/core/dev.c
  if (value.length > 15 || value === '.' || value === '..' || /[\s/:%]/.test(value)) throw fail('invalid', `invalid bridge name: ${value.slice(0, 100)}`, { hint: "An interface's name has at most 15 characters, without spaces, slashes, colons and percent signs" });
  return value;
}

function mtuOf(options: Options): number | undefined {
  const value = options[name.mtu] ?? '';
  if (value === '') return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw fail('invalid', `failed to parse ${name.mtu} value: ${value.slice(0, 100)} (strconv.Atoi: parsing ${JSON.stringify(value.slice(0, 100))}: invalid syntax)`);
  const mtu = Number(value);
  // Docker's 0 is: the default. Source: linux/if_ether.h (ETH_MIN_MTU, ETH_MAX_MTU)
  if (mtu !== 0 && (mtu < 68 || mtu > 65_535)) throw fail('invalid', `invalid MTU number: ${value.slice(0, 100)}`, { hint: 'From 68 to 65535' });
  return mtu === 0 ? undefined : mtu;
}

function hostBindingOf(options: Options): string {
  const value = options[name.hostBinding4] ?? '';
  if (value !== '' && isIP(value) !== 4) throw fail('invalid', `failed to parse ${name.hostBinding4} value: ${value.slice(0, 100)} (nil ip)`);
  return value === '0.0.0.0' ? '' : value;
}

function hostAddressOf(options: Options, key: string, version: 4 | 6): string | undefined {
  const value = options[key] ?? '';
  if (value === '') return undefined;
  if (isIP(value) !== version || value.includes('%')) throw fail('invalid', `failed to parse ${key} value: ${value.slice(0, 100)} (nil ip)`, { hint: `Give an IPv${version} address of this machine` });
  return value;
}

function gatewayModeOf(options: Options, key: string): GatewayMode {
  return choice(options, key, ['nat', 'nat-unprotected', 'routed', 'isolated'], (value) => fail('invalid', `failed to parse ${key} value: ${value} (unknown gateway mode ${value})`, { hint: 'Use nat, nat-unprotected, routed or isolated' }));
}

/** The first is the default. */
function choice<const T extends string>(options: Options, key: string, values: readonly T[], complaint: (value: string) => Error): T {
  const value = options[key] ?? '';
  if (value === '') return values[0]!;
  const known = values.find((one) => one === value);
  if (known === undefined) throw complaint(value.slice(0, 100));
  return known;
}

/** As Go's strconv.ParseBool. */
function truth(options: Options, key: string, otherwise: boolean): boolean {
  const value = options[key];
  if (value === undefined) return otherwise;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false;
  throw fail('invalid', `failed to parse ${key} value: ${value.slice(0, 100)} (strconv.ParseBool: parsing ${JSON.stringify(value.slice(0, 100))}: invalid syntax)`);
}
