import { updateContainer, type UpdateBody } from '../../client/index.ts';
import type { PortBindings } from '../../spec/docker/container.ts';
import { defineCommand } from '../command.ts';
import { createFlags } from '../create/flags.ts';
import { mountOption } from '../create/mounts.ts';
import { publishedPorts } from '../create/ports.ts';
import { forEach } from '../each.ts';
import { Exit } from '../errors.ts';
import { flag, type Values } from '../flags.ts';
import { warn } from '../session.ts';

const flags = {
  'blkio-weight': createFlags['blkio-weight'],
  'cpu-period': createFlags['cpu-period'],
  'cpu-quota': createFlags['cpu-quota'],
  'cpu-rt-period': createFlags['cpu-rt-period'],
  'cpu-rt-runtime': createFlags['cpu-rt-runtime'],
  'cpu-shares': createFlags['cpu-shares'],
  cpus: createFlags.cpus,
  'cpuset-cpus': createFlags['cpuset-cpus'],
  'cpuset-mems': createFlags['cpuset-mems'],
  memory: createFlags.memory,
  'memory-reservation': createFlags['memory-reservation'],
  'memory-swap': createFlags['memory-swap'],
  mount: flag.list('', 'mount', 'Mount something more, also while it runs (type=…,src=…,dst=…,…)', mountOption),
  'mount-rm': flag.texts('', 'list', 'Take away what is mounted at this place, also while it runs'),
  'pids-limit': flag.integer('', 'int', 'Limit of processes; -1: none'),
  publish: flag.texts('p', 'list', 'Publish a port as well, also while it runs ([address:][port:]port[/protocol])'),
  restart: createFlags.restart,
  unpublish: flag.texts('', 'list', 'Publish a port no longer (port[/protocol]: wherever it is; address:port:port: there)'),
} as const;

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Update configuration of one or more containers',
  aliases: ['container update', 'update'],
  flags,
  later: { 'kernel-memory': 'the kernel no longer has this limit; use --memory' },
  operands: { min: 1 },
  async run({ values, operands, session }) {
    const body = bodyOf(values);
    if (Object.keys(body).length === 0) throw new Exit(1, 'you must provide one or more flags when using this command');
    return forEach(session, operands, {}, async (container) => {
      for (const warning of await updateContainer(session.docker, container, body)) warn(session, `WARNING: ${warning}`);
      return container;
    });
  },
});

function bodyOf(values: Values<typeof flags>): UpdateBody {
  const given = {
    BlkioWeight: values['blkio-weight'], CpuPeriod: values['cpu-period'], CpuQuota: values['cpu-quota'], CpuRealtimePeriod: values['cpu-rt-period'],
    CpuRealtimeRuntime: values['cpu-rt-runtime'], CpuShares: values['cpu-shares'], NanoCpus: values.cpus, CpusetCpus: values['cpuset-cpus'], CpusetMems: values['cpuset-mems'],
    Memory: values.memory, MemoryReservation: values['memory-reservation'], MemorySwap: values['memory-swap'], PidsLimit: values['pids-limit'], RestartPolicy: values.restart,
    ...(values.mount.length === 0 ? {} : { Mounts: values.mount }), ...(values['mount-rm'].length === 0 ? {} : { Unmounts: values['mount-rm'] }),
    ...(values.publish.length === 0 ? {} : { Publish: publishedPorts(values.publish) }), ...(values.unpublish.length === 0 ? {} : { Unpublish: unpublished(values.unpublish) }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Without an address and a port of the host: all places where it is published. */
function unpublished(texts: readonly string[]): PortBindings {
  return Object.fromEntries(Object.entries(publishedPorts(texts)).map(([port, places]) => [port, places.some(({ HostIp, HostPort }) => HostIp === '' && HostPort === '') ? [] : places]));
}
