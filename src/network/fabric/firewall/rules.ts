// The rules of our table, the same for every engine and at every moment. What they decide about is in the sets (sets.ts).
//
// What comes from outside reaches a container in three cases only: it belongs to a connection that is known, it was sent here by a published port of ours
// (its destination was rewritten), or its network was opened on purpose (gateway modes). Between two networks it is the same. Everything else that would be
// forwarded into a bridge of ours is dropped, whatever routes others have. Packets that have nothing to do with our bridges are not looked at.
//
// An `accept` here ends our table's say only; other tables (firewalld, ufw, Docker) still have theirs.
import { nft, parseAddress } from '../../../kernel/index.ts';
import { sets, type SetName } from './sets.ts';

export type Version = 4 | 6;
type Expressions = Parameters<typeof nft.addRule>[2];

const priorities = { raw: -300, destination: -100, filter: 0, source: 100 } as const;
export const NFPROTO: Readonly<Record<Version, number>> = { 4: 2, 6: 10 };
const IPPROTO: Readonly<Record<Version, number>> = { 4: 1, 6: 58 };
const versions = [4, 6] as const;
const loopback4 = [nft.mask(parseAddress('255.0.0.0').bytes), nft.compare('is', parseAddress('127.0.0.0').bytes)];

const is = (version: Version): Expressions => [nft.meta('nfproto'), nft.compare('is', Uint8Array.of(NFPROTO[version]))];
/** Registers 0 to 3 hold one name, 4 to 7 the other. */
const from = (set: SetName): Expressions => [nft.meta('iifname'), nft.lookUp(set)];
const to = (set: SetName): Expressions => [nft.meta('oifname'), nft.lookUp(set)];
const between = (set: SetName): Expressions => [nft.meta('iifname'), nft.meta('oifname', 4), nft.lookUp(set)];
const state = (bits: number): Expressions => [nft.tracked('state'), ...nft.anyOf(bits)];
const wasPublished: Expressions = [nft.tracked('status'), ...nft.anyOf(nft.trackedBits.destinationChanged)];
const accept = nft.verdict('accept');
const drop = nft.verdict('drop');

/** The address in as many registers as it takes, then protocol and port: a key of ports and exposed. */
function destination(version: Version): Expressions {
  const next = version === 4 ? 1 : 4;
  return [version === 4 ? nft.field.destination4() : nft.field.destination6(), nft.meta('l4proto', next), nft.field.destinationPort(next + 1)];
}

/** The destination becomes what the map says. */
function rewrite(version: Version, map: SetName): Expressions {
  return [nft.lookUp(map, { to: 0 }), nft.destinationFrom(version === 4 ? 'ip' : 'ip6', 0, version === 4 ? 1 : 4)];
}

/** How the names of bridges begin that engines make: other Estivas on this machine, and Docker. They have rules of their own. */
const othersBridges = ['br-', 'estiva', 'docker'] as const;

interface Chain {
  readonly base?: nft.BaseChain;
  readonly rules: readonly (readonly [Expressions, comment?: string])[];
}

const chains: Readonly<Record<string, Chain>> = {
  into: { rules: [
    [[...between('talking'), accept], 'neighbours'],
    [[...from('internal'), drop]],
    [[...to('internal'), drop]],
    [[...wasPublished, accept], 'published ports'],
    [[...from('bridges'), drop], 'networks do not reach each other'],
    ...versions.flatMap((version): Chain['rules'] => [
      [[...is(version), ...to(`unprotected${version}`), accept]],
      [[...is(version), ...to(`routed${version}`), nft.meta('l4proto'), nft.compare('is', Uint8Array.of(IPPROTO[version])), accept]],
      [[...is(version), ...to(`routed${version}`), ...destination(version), nft.lookUp(`exposed${version}`), accept]],
    ]),
    [[nft.counter(), drop], 'everything else'],
  ] },
  published: { rules: versions.flatMap((version): Chain['rules'] => [
    [[...is(version), ...destination(version), ...rewrite(version, `ports${version}`)]],
    [[...is(version), ...nft.destinationIsLocal(), nft.meta('l4proto'), nft.field.destinationPort(1), ...rewrite(version, `anyports${version}`)]],
  ]) },
  // The bridges know 127.0.0.0/8 (route_localnet) for what this machine's own programs send to a published port. On the wire it is never right.
  guard: { base: { type: 'filter', hook: 'prerouting', priority: priorities.raw }, rules: [
    [[...is(4), nft.field.destination4(), ...loopback4, ...from('bridges'), drop], 'the loopback of the host is not for containers'],
    [[...is(4), nft.field.source4(), ...loopback4, ...from('bridges'), drop]],
  ] },
  prerouting: { base: { type: 'nat', hook: 'prerouting', priority: priorities.destination }, rules: [
    [[...is(4), nft.field.destination4(), ...loopback4, nft.verdict('return')], 'published at 127.0.0.1: for this machine only'],
    [[nft.verdict('jump', 'published')]],
  ] },
  output: { base: { type: 'nat', hook: 'output', priority: priorities.destination }, rules: [
    [[...is(6), nft.field.destination6(), nft.compare('is', parseAddress('::1').bytes), nft.verdict('return')], 'a socket of the daemon listens there'],
    [[nft.verdict('jump', 'published')]],
  ] },
  forward: { base: { type: 'filter', hook: 'forward', priority: priorities.filter }, rules: [
    [[...state(nft.trackedBits.established | nft.trackedBits.related), accept]],
    [[...to('bridges'), nft.verdict('goto', 'into')]],
    [[...from('internal'), drop]],
    [[...from('bridges'), accept]],
    ...othersBridges.flatMap((prefix): Chain['rules'] => (['iifname', 'oifname'] as const).map((side) => [[nft.meta(side), nft.compare('is', Buffer.from(prefix)), accept], 'another engine answers for its own'])),
    ...versions.map((version): Chain['rules'][number] => [[nft.meta('nfproto'), nft.lookUp(`forwarding${version}`), drop], 'this machine forwards for its containers only']),
  ] },
  postrouting: { base: { type: 'nat', hook: 'postrouting', priority: priorities.source }, rules: [
    [[...between('pairs'), ...wasPublished, nft.masquerade()], 'a container through a published port of its own network'],
    [[...between('pairs'), nft.verdict('return')]],
    // Came in by no link: this machine's own, perhaps from 127.0.0.1. Or br_netfilter sends what came from a bridge back into it without a route.
    [[nft.meta('iifname'), nft.compare('is', new Uint8Array(16)), ...to('bridges'), ...wasPublished, nft.masquerade()], 'this machine through a published port'],
    ...versions.flatMap((version): Chain['rules'] => [
      [[...is(version), nft.meta('iifname'), nft.lookUp(`leaves${version}`, { to: 0 }), nft.sourceFrom(version === 4 ? 'ip' : 'ip6', 0)]],
      [[...is(version), ...from(`masquerade${version}`), nft.masquerade()]],
    ]),
  ] },
};

/** The table from nothing, and without what was in it before. */
export function ruleset(table: nft.TableName) {
  const all = Object.entries(chains);
  return [
    nft.addTable(table), nft.deleteTable(table), nft.addTable(table),
    ...Object.entries(sets).map(([name, shape]) => nft.addSet(table, name, shape)),
    ...all.map(([name, { base }]) => nft.addChain(table, name, base)),
    ...all.flatMap(([name, { rules }]) => rules.map(([expressions, comment]) => nft.addRule(table, name, expressions, comment))),
  ];
}
