// The figures of a group of version 1: each controller's tree has its own files.
import { FigureFile, numberIn, numbersByKey, readAll, type BlockCount, type CgroupFigures, type FigureReader } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';

/** USER_HZ: the unit of cpuacct.stat, the same on all architectures that we run on. Source: time(7). */
const tickNs = 1e9 / 100;
/** "No limit" is the largest number of whole pages that 63 bits hold, whatever the page. */
const limitBytesMax = 2 ** 62;

const fileNames = {
  perCpu: ['cpuacct', 'cpuacct.usage_percpu'],
  cpuTimes: ['cpuacct', 'cpuacct.stat'],
  throttling: ['cpu', 'cpu.stat'],
  memory: ['memory', 'memory.usage_in_bytes'],
  memoryMax: ['memory', 'memory.max_usage_in_bytes'],
  memoryDetails: ['memory', 'memory.stat'],
  pids: ['pids', 'pids.current'],
  pidsMax: ['pids', 'pids.max'],
  blockBytes: ['blkio', 'blkio.throttle.io_service_bytes_recursive'],
  blockOperations: ['blkio', 'blkio.throttle.io_serviced_recursive'],
} as const;

type FileName = keyof typeof fileNames;
type Texts = Readonly<Record<FileName, string>>;

export function readFigures1(byController: ReadonlyMap<string, Hierarchy>, group: string): FigureReader {
  const files = (Object.keys(fileNames) as FileName[]).map((name) => {
    const [controller, file] = fileNames[name];
    return [name, new FigureFile(byController.get(controller), `${group}/${file}`)] as const;
  });
  // Read only where there is a limit that can be hit: every file costs as much as all that is made of its text.
  const failures = new FigureFile(byController.get('memory'), `${group}/memory.failcnt`);
  return {
    read() {
      const texts = readAll(files);
      if (texts === undefined) return undefined;
      return texts.perCpu === '' && texts.memory === '' ? undefined : figuresOf(texts, failures);
    },
    [Symbol.dispose]() { for (const file of [failures, ...files.map(([, file]) => file)]) file[Symbol.dispose](); },
  };
}

function figuresOf(texts: Texts, failures: FigureFile): CgroupFigures {
  const perCpuNs = texts.perCpu.trim().split(' ').filter((word) => word !== '').map(Number);
  const times = numbersByKey(texts.cpuTimes);
  const throttling = numbersByKey(texts.throttling);
  const pids = numberIn(texts.pids);
  return {
    cpu: {
      totalNs: perCpuNs.reduce((sum, ns) => sum + ns, 0), userNs: (times['user'] ?? 0) * tickNs, kernelNs: (times['system'] ?? 0) * tickNs, perCpuNs,
      periods: throttling['nr_periods'] ?? 0, throttledPeriods: throttling['nr_throttled'] ?? 0, throttledNs: throttling['throttled_time'] ?? 0,
    },
    ...memoryOf(texts, failures),
    ...(pids === undefined ? {} : { pids: { current: pids, limit: numberIn(texts.pidsMax) } }),
    blockIo: { bytes: blockCounts(texts.blockBytes), operations: blockCounts(texts.blockOperations) },
  };
}

function memoryOf(texts: Texts, failures: FigureFile): Pick<CgroupFigures, 'memory'> {
  const usageBytes = numberIn(texts.memory);
  if (usageBytes === undefined) return {};
  const details = numbersByKey(texts.memoryDetails);
  const limit = details['hierarchical_memory_limit'];
  const limitBytes = limit === undefined || limit > limitBytesMax ? undefined : limit;
  return { memory: { usageBytes, maxUsageBytes: numberIn(texts.memoryMax) ?? 0, failures: limitBytes === undefined ? 0 : numberIn(failures.read() ?? '') ?? 0, limitBytes, details } };
}

/** Lines of `8:0 Read 4096`; the sum of all devices, `Total 4096`, is left out. */
function blockCounts(text: string): readonly BlockCount[] {
  const counts: BlockCount[] = [];
  for (const line of text.split('\n')) {
    const [device = '', operation = '', value] = line.split(' ');
    const colon = device.indexOf(':');
    if (value !== undefined && colon > 0) counts.push({ major: Number(device.slice(0, colon)), minor: Number(device.slice(colon + 1)), operation, value: Number(value) });
  }
  return counts;
}
