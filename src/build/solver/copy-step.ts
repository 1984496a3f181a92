// COPY and ADD as steps: what they take, from where, and the key that its content gives. The tar of the layer is written in copy.ts.
import { fail } from '../../base/index.ts';
import { parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import { defaultShell } from '../program.ts';
import type { Step } from '../step.ts';
import { isArchive } from './archive.ts';
import { checkDestination, layerTarOf, type CopyPlan } from './copy.ts';
import { digestOfSources } from './digest.ts';
import { findSources, type Source } from './sources.ts';
import { keyOf, type BuildState } from './state.ts';
import { nowSecondsOf, type MadeLayer, type StepRoom, type Work } from './work.ts';

type Copying = Extract<Step['instruction'], { kind: 'COPY' | 'ADD' }>;

export async function copyWork(step: Step, instruction: Copying, state: BuildState, room: StepRoom): Promise<Work> {
  refuseLater(instruction);
  const { options: { epochSeconds }, signal } = room;
  const found = await sourcesOf(step, instruction, room);
  const archives = instruction.kind === 'ADD' && instruction.unpack !== false ? await archivesAmong(found) : new Set<Source>();
  const { chown, chmod, destination, inline, kind } = instruction;
  const draft = { keyword: kind, inline, sources: found.filter((source) => !archives.has(source)), archives: [...archives].map(({ entries: [entry] }) => ({ entry: entry! })), destination };
  checkDestination(draft);
  const keepsOwners = instruction.kind === 'COPY' && instruction.from !== undefined && chown === undefined;
  const digest = await digestOfSources(found, { withOwners: keepsOwners, signal });
  const workingDir = state.config.WorkingDir ?? '';
  const content = keyOf(digest, inline);
  return {
    keyParts: [kind, content, destination, workingDir, chown, chmod, archives.size, epochSeconds], config: state.config,
    createdBy: `${(step.shell ?? defaultShell).join(' ')} #(nop) ${kind} ${chown === undefined ? '' : `--chown=${chown} `}${chmod === undefined ? '' : `--chmod=${chmod} `}${kindOf(found, inline.length)}:${content} in ${destination} `,
    make: () => copy({ ...draft, workingDir, keepsOwners }, instruction, state, room),
  };
}

async function sourcesOf({ sources: [from] }: Step, { exclude, sources }: Copying, { opened, signal, treeOf }: StepRoom): Promise<readonly Source[]> {
  const tree = await treeOf(from);
  const excluded = parseIgnoreFile(exclude.join('\n'));
  const found: Source[] = [];
  for (const written of sources) found.push(...await findSources(tree, written, { exclude: excluded, opened, signal }));
  return found;
}

type Draft = Omit<CopyPlan, 'owner' | 'mode' | 'nowSeconds' | 'latestSeconds' | 'signal'>;

async function copy(draft: Draft, { chown, chmod }: Copying, { layers }: BuildState, { storage: { snapshots }, ports, options, signal }: StepRoom): Promise<MadeLayer> {
  using root = snapshots.openFiles(layers);
  const plan: CopyPlan = {
    ...draft, owner: chown === undefined ? undefined : ports.owner(root, chown), mode: chmod === undefined ? undefined : modeOf(chmod),
    nowSeconds: nowSecondsOf(options), latestSeconds: options.epochSeconds, signal,
  };
  return await snapshots.unpack(layerTarOf(plan, root), { signal });
}

async function archivesAmong(sources: readonly Source[]): Promise<ReadonlySet<Source>> {
  const archives = new Set<Source>();
  for (const source of sources) if (!source.isDirectory && source.entries[0] !== undefined && await isArchive(source.entries[0])) archives.add(source);
  return archives;
}

function kindOf(sources: readonly Source[], inlineCount: number): 'file' | 'dir' | 'multi' {
  if (sources.length + inlineCount !== 1) return 'multi';
  return sources[0]?.isDirectory === true ? 'dir' : 'file';
}

function modeOf(text: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  throw fail('unsupported', `--chmod=${text} is not supported yet`, { hint: 'Write the mode as a number, as in --chmod=755' });
}

/** What is part of the language and not of this builder yet. */
function refuseLater(instruction: Copying): void {
  if (instruction.kind === 'COPY') {
    if (instruction.parents) throw fail('unsupported', 'COPY --parents comes later', { hint: 'Copy the directories one by one' });
    return;
  }
  const url = instruction.sources.find((source) => /^(https?:\/\/|git:\/\/|git@|ssh:\/\/)/.test(source));
  if (url !== undefined) throw fail('unsupported', `ADD of something elsewhere (${url.slice(0, 200)}) comes later`, { hint: 'Download it before the build, or in a RUN' });
  if (instruction.checksum !== undefined || instruction.keepGitDir === true) throw fail('unsupported', 'ADD --checksum and --keep-git-dir are for sources elsewhere, which come later');
  if (instruction.unpack === true) throw fail('unsupported', 'ADD --unpack of something elsewhere comes later', { hint: 'Archives of the context are unpacked without it' });
}
