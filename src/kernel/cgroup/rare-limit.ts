// Limits that few ask for: huge pages, classes of network packets, bursts, leaf weights, RDMA, and files of version 2 by their own names.
// Pure, as limit.ts is. Source: OCI runtime spec config-linux.md; the kernel's blkio-controller, hugetlb, net_cls, net_prio, rdma and cgroup-v2
// documents.
import { fail } from '../../base/index.ts';
import type { BlockIo, Resources } from '../../spec/oci/runtime.ts';
import type { Limit } from './limit.ts';

const isAsked = (value: number | undefined): value is number => value !== undefined && value !== 0;

/** Whether there is anything here to do: for an ordinary container there is not. */
export function hasRareLimits({ blockIO, hugepageLimits, network, rdma, unified, memory, cpu }: Resources): boolean {
  const extra = [memory?.kernel, memory?.kernelTCP, cpu?.burst, cpu?.idle, blockIO];
  return hugepageLimits !== undefined || network !== undefined || rdma !== undefined || unified !== undefined || extra.some((value) => value !== undefined);
}

export function rareLimitsVersion1({ blockIO, hugepageLimits, network, rdma, unified, memory, cpu }: Resources): readonly Limit[] {
  if (unified !== undefined && Object.keys(unified).length > 0) throw fail('unsupported', 'Cannot set unified resources: this host has cgroup version 1', { hint: 'Name the limits in their own fields' });
  refuseKernelMemory(memory);
  return [
    ...(isAsked(memory?.kernelTCP) ? [limit('memory', 'memory.kmem.tcp.limit_in_bytes', memory.kernelTCP, 'the memory limit of TCP buffers')] : []),
    ...(isAsked(cpu?.burst) ? [limit('cpu', 'cpu.cfs_burst_us', cpu.burst, 'the CPU burst')] : []),
    ...(isAsked(cpu?.idle) ? [limit('cpu', 'cpu.idle', cpu.idle, 'idle scheduling')] : []),
    ...leafWeights(blockIO),
    ...(hugepageLimits ?? []).map(({ pageSize, limit: bytes }) => limit('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, bytes, `the limit of huge pages of ${pageSize}`)),
    ...(isAsked(network?.classID) ? [limit('net_cls', 'net_cls.classid', network.classID, 'the network class')] : []),
    ...(network?.priorities ?? []).map(({ name, priority }) => limit('net_prio', 'net_prio.ifpriomap', `${name} ${priority}`, 'the network priority')),
    ...rdmaLimits(rdma),
  ];
}

export function rareLimitsVersion2({ blockIO, hugepageLimits, network, rdma, unified, memory, cpu }: Resources): readonly Limit[] {
  if (isAsked(network?.classID) || (network?.priorities?.length ?? 0) > 0) throw fail('unsupported', 'Cannot set network classes or priorities: cgroup v2 has no such setting', { hint: 'Mark packets by cgroup with nftables instead' });
  refuseKernelMemory(memory);
  if (leafWeights(blockIO).length > 0) throw fail('unsupported', 'Cannot set I/O leaf weights: cgroup v2 has no such setting');
  if (isAsked(memory?.kernelTCP)) throw fail('unsupported', 'Cannot set the memory limit of TCP buffers: cgroup v2 has no such setting', { hint: 'They count in the memory limit' });
  return [
    ...(isAsked(cpu?.burst) ? [limit('cpu', 'cpu.max.burst', cpu.burst, 'the CPU burst')] : []),
    ...(isAsked(cpu?.idle) ? [limit('cpu', 'cpu.idle', cpu.idle, 'idle scheduling')] : []),
    ...(hugepageLimits ?? []).map(({ pageSize, limit: bytes }) => limit('hugetlb', `hugetlb.${pageSize}.max`, bytes, `the limit of huge pages of ${pageSize}`)),
    ...rdmaLimits(rdma),
    ...Object.entries(unified ?? {}).flatMap(([file, text]) => unifiedLimits(file, text)),
  ];
}

function limit(controller: Limit['controller'], file: string, value: number | string, what: string): Limit {
  return { controller, file, value: String(value), what };
}

function refuseKernelMemory(memory: Resources['memory']): void {
  if (isAsked(memory?.kernel) && memory.kernel !== -1) throw fail('unsupported', 'Cannot limit kernel memory by itself: the kernel has given that up', { hint: 'It counts in the memory limit' });
}

function leafWeights({ leafWeight, weightDevice = [] }: BlockIo = {}): readonly Limit[] {
  return [
    ...(isAsked(leafWeight) ? [limit('blkio', 'blkio.leaf_weight', leafWeight, 'the I/O leaf weight')] : []),
    ...weightDevice.filter((device) => isAsked(device.leafWeight)).map(({ major, minor, leafWeight: weight }) => limit('blkio', 'blkio.leaf_weight_device', `${major}:${minor} ${weight}`, 'the I/O leaf weight of a device')),
  ];
}

function rdmaLimits(rdma: Resources['rdma']): readonly Limit[] {
  return Object.entries(rdma ?? {}).map(([device, { hcaHandles, hcaObjects }]) => (
    limit('rdma', 'rdma.max', `${device} hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`, 'the RDMA limits')));
}

function unifiedLimits(file: string, text: string): readonly Limit[] {
  const controller = file.split('.', 1)[0]!;
  if (!/^[a-z][\w.]*$/i.test(file) || !file.includes('.')) throw fail('invalid', `linux.resources.unified: ${JSON.stringify(file)} is no name of a cgroup file`);
  return text.split('\n').filter((line) => line !== '').map((line): Limit => ({ controller: controller as Limit['controller'], file, value: line, unified: true, what: `unified ${file}` }));
}
