// The texts are those of Docker's client 28.2.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subnetsOf, type SubnetFlags } from './subnets.ts';

const none: SubnetFlags = { subnets: [], ranges: [], gateways: [], auxiliary: [] };

test('subnetsOf() gives each range, gateway and auxiliary address to its subnet', () => {
  assert.deepEqual(subnetsOf(none), []);
  assert.deepEqual(subnetsOf({ subnets: ['10.1.0.0/16', 'fd00::/64'], ranges: ['10.1.5.0/24'], gateways: ['fd00::9', '10.1.0.9'], auxiliary: [['a', '10.1.0.5'], ['b', '10.1.0.6']] }), [
    { Subnet: '10.1.0.0/16', IPRange: '10.1.5.0/24', Gateway: '10.1.0.9', AuxiliaryAddresses: { a: '10.1.0.5', b: '10.1.0.6' } }, { Subnet: 'fd00::/64', Gateway: 'fd00::9' },
  ]);
  assert.deepEqual(subnetsOf({ ...none, subnets: ['zz'] }), [{ Subnet: 'zz' }], 'the daemon says what is wrong with it');
});

const refusals: readonly (readonly [SubnetFlags, string])[] = [
  [{ ...none, gateways: ['10.1.0.1'] }, 'every ip-range or gateway must have a corresponding subnet'],
  [{ ...none, subnets: ['10.1.0.0/16'], gateways: ['10.1.0.1', '10.1.0.2'] }, 'every ip-range or gateway must have a corresponding subnet'],
  [{ ...none, subnets: ['10.1.0.0/16', '10.1.0.0/16'] }, 'multiple overlapping subnet configuration is not supported'],
  [{ ...none, subnets: ['10.1.5.0/24', '10.1.0.0/16'] }, 'multiple overlapping subnet configuration is not supported'],
  [{ ...none, subnets: ['10.1.0.0/16'], ranges: ['10.9.0.1/24'] }, 'no matching subnet for range 10.9.0.1/24'],
  [{ ...none, subnets: ['10.1.0.0/16'], gateways: ['10.9.0.1'] }, 'no matching subnet for gateway 10.9.0.1'],
  [{ ...none, subnets: ['10.1.0.0/16'], auxiliary: [['a', '10.9.0.1']] }, 'no matching subnet for aux-address 10.9.0.1'],
  [{ ...none, subnets: ['10.1.0.0/16', '10.2.0.0/16'], gateways: ['10.1.0.1', '10.1.0.2'] }, 'cannot configure multiple gateways (10.1.0.2, 10.1.0.1) for the same subnet (10.1.0.0/16)'],
];

for (const [given, message] of refusals) test(`subnetsOf() says: ${message}`, () => assert.throws(() => subnetsOf(given), { message }));
