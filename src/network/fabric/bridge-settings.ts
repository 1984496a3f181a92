// What the options of a bridge network mean, and those of its parent of a macvlan or ipvlan one. They are text that was checked when the network was made.
import { fail } from '../../base/index.ts';
import type { NetworkRecord } from '../network.ts';

export const gatewayModes = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const;
export type GatewayMode = typeof gatewayModes[number];

export interface BridgeSettings {
  readonly mtu: number | undefined;
  /** Its containers reach each other without a published port. */
  readonly isTalking: boolean;
  readonly isMasquerading: boolean;
  readonly gatewayMode: Readonly<Record<4 | 6, GatewayMode>>;
  /** The address of this machine that its containers are seen with outside; absent: that of the link that they leave by. */
  readonly leavesBy: Readonly<Record<4 | 6, string | undefined>>;
  /** The bridge has no IPv4 address of its own. */
  readonly isWithout4: boolean;
}

const prefix = 'com.docker.network';

/** @throws `invalid` for a value that means nothing */
export function bridgeSettings({ options }: Pick<NetworkRecord, 'options'>): BridgeSettings {
  const mode = (version: 4 | 6): GatewayMode => chosen(options, `${prefix}.bridge.gateway_mode_ipv${version}`, gatewayModes, 'nat');
  return {
    mtu: mtuOf(options),
    isTalking: flag(options, `${prefix}.bridge.enable_icc`, true),
    isMasquerading: flag(options, `${prefix}.bridge.enable_ip_masquerade`, true),
    gatewayMode: { 4: mode(4), 6: mode(6) },
    leavesBy: { 4: options[`${prefix}.host_ipv4`] || undefined, 6: options[`${prefix}.host_ipv6`] || undefined },
    isWithout4: flag(options, `${prefix}.bridge.inhibit_ipv4`, false),
  };
}

/** @throws `invalid` */
export function mtuOf(options: NetworkRecord['options']): number | undefined {
  const text = options[`${prefix}.driver.mtu`];
  if (text === undefined || text === '' || text === '0') return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 68 || value > 65_535) throw fail('invalid', `Invalid value for ${prefix}.driver.mtu: ${JSON.stringify(text)}`, { hint: 'Give a number of bytes from 68 to 65535' });
  return value;
}

/** The words that Docker takes for yes and no. */
const flags: Readonly<Record<string, boolean>> = { 1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false };

function flag(options: NetworkRecord['options'], key: string, otherwise: boolean): boolean {
  const text = options[key];
  if (text === undefined || text === '') return otherwise;
  const value = Object.hasOwn(flags, text) ? flags[text] : undefined;
  if (value === undefined) throw fail('invalid', `Invalid value for ${key}: ${JSON.stringify(text)}`, { hint: 'Give true or false' });
  return value;
}

function chosen<T extends string>(options: NetworkRecord['options'], key: string, all: readonly T[], otherwise: T): T {
  const text = options[key];
  if (text === undefined || text === '') return otherwise;
  const value = all.find((one) => one === text);
  if (value === undefined) throw fail('invalid', `Invalid value for ${key}: ${JSON.stringify(text)}`, { hint: `Give one of ${all.join(', ')}` });
  return value;
}

/** Of macvlan and ipvlan. @throws `invalid` */
export function parentSettings({ options }: Pick<NetworkRecord, 'options'>) {
  return {
    mtu: mtuOf(options),
    macvlanMode: chosen(options, 'macvlan_mode', ['private', 'vepa', 'bridge', 'passthru'], 'bridge'),
    ipvlanMode: chosen(options, 'ipvlan_mode', ['l2', 'l3', 'l3s'], 'l2'),
  };
}
