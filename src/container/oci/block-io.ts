// Limits of block I/O: from paths of the host's devices to their numbers.
import { statSync } from 'node:fs';
import { fail } from '../../base/index.ts';
import type { DeviceRate, HostConfig } from '../../spec/docker/container.ts';
import type { Resources } from '../../spec/oci/runtime.ts';
import { deviceNumber } from './devices.ts';

type BlockIo = NonNullable<Resources['blockIO']>;

/** Looks the devices up. Undefined when nothing is limited. @throws `invalid` for a path that is no device */
export function blockIoOf(host: HostConfig): BlockIo | undefined {
  const rates = (list: readonly DeviceRate[]) => list.map(({ Path, Rate }) => ({ ...numberOf(Path), rate: Rate }));
  const all: BlockIo = {
    ...(host.BlkioWeight === 0 ? {} : { weight: host.BlkioWeight }),
    ...unlessEmpty('weightDevice', host.BlkioWeightDevice.map(({ Path, Weight }) => ({ ...numberOf(Path), weight: Weight }))),
    ...unlessEmpty('throttleReadBpsDevice', rates(host.BlkioDeviceReadBps)),
    ...unlessEmpty('throttleWriteBpsDevice', rates(host.BlkioDeviceWriteBps)),
    ...unlessEmpty('throttleReadIOPSDevice', rates(host.BlkioDeviceReadIOps)),
    ...unlessEmpty('throttleWriteIOPSDevice', rates(host.BlkioDeviceWriteIOps)),
  };
  return Object.keys(all).length === 0 ? undefined : all;
}

function unlessEmpty<Name extends keyof BlockIo>(name: Name, list: NonNullable<BlockIo[Name]> & readonly unknown[]): Partial<Pick<BlockIo, Name>> {
  return list.length === 0 ? {} : { [name]: list } as unknown as Pick<BlockIo, Name>;
}

function numberOf(path: string): { readonly major: number; readonly minor: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw fail('invalid', `Cannot limit the I/O of ${JSON.stringify(path.slice(0, 200))}: no such file or directory`);
  if (!stat.isBlockDevice() && !stat.isCharacterDevice()) throw fail('invalid', `Cannot limit the I/O of ${JSON.stringify(path.slice(0, 200))}: it is not a device`);
  return deviceNumber(stat.rdev);
}
