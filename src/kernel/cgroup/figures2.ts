// The figures of a group of version 2: one tree has all files.
import { FigureFile, numberIn, numbersByKey, readAll, type BlockCount, type CgroupFigures, type FigureReader } from './figures.ts';
import type { Hierarchy } from './hierarchy.ts';

const fileNames = { cpu: 'cpu.stat', memory: 'memory.current', memoryMax: 'memory.max', memoryDetails: 'memory.stat', pids: 'pids.current', pidsMax: 'pids.max', blockIo: 'io.stat' } as const;

type FileName = keyof typeof fileNames;
type Texts = Readonly<Record<FileName, string>>;

export function readFigures2(tree: Hierarchy, group: string): FigureReader {
  const files = (Object.keys(fileNames) as FileName[]).map((name) => [name, new FigureFile(tree, `${group}/${fileNames[name]}`)] as const);
  return {
    read() {
      const texts = readAll(files);
      if (texts === undefined) return undefined;
      // cpu.stat is in every group, also without the controller: without it there is no group.
      return texts.cpu === '' ? undefined : figuresOf(texts);
    },
    [Symbol.dispose]() { for (const [, file] of files) file[Symbol.dispose](); },
  };
}

function figuresOf(texts: Texts): CgroupFigures {
  const cpu = numbersByKey(texts.cpu);
  const ns = (key: string): number => (cpu[key] ?? 0) * 1000;
  const memory = numberIn(texts.memory);
  const pids = numberIn(texts.pids);
  return {
    cpu: {
      totalNs: ns('usage_usec'), userNs: ns('user_usec'), kernelNs: ns('system_usec'),
      periods: cpu['nr_periods'] ?? 0, throttledPeriods: cpu['nr_throttled'] ?? 0, throttledNs: ns('throttled_usec'),
    },
    ...(memory === undefined ? {} : { memory: { usageBytes: memory, limitBytes: numberIn(texts.memoryMax), details: numbersByKey(texts.memoryDetails) } }),
    ...(pids === undefined ? {} : { pids: { current: pids, limit: numberIn(texts.pidsMax) } }),
    blockIo: { bytes: blockCounts(texts.blockIo, 'rbytes', 'wbytes'), operations: blockCounts(texts.blockIo, 'rios', 'wios') },
  };
}

/** Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. */
function blockCounts(text: string, read: string, write: string): readonly BlockCount[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...pairs] = line.split(' ');
    const colon = device.indexOf(':');
    if (colon < 1) return [];
    const [major, minor] = [Number(device.slice(0, colon)), Number(device.slice(colon + 1))];
    const values = new Map(pairs.map((pair) => pair.split('=') as [string, string]));
    return [[read, 'read'], [write, 'write']].flatMap(([key, operation]) => (values.has(key!) ? [{ major, minor, operation: operation!, value: Number(values.get(key!)) }] : []));
  });
}
