// COPY and ADD as steps: what they take, from where, and the key that its content gives. The tar of the layer is written in copy.ts.
import { fail } from '../../base/index.ts';
import { defaultShell, parseIgnoreFile } from '../../spec/dockerfile/index.ts';
import type { Step } from '../step.ts';
import { addedSources, archivesOf } from './add.ts';
import { absoluteDestination, checkDestination, layerTarOf, type CopyPlan } from './copy.ts';
import { digestOfSources } from './digest.ts';
import { parseMode } from './mode.ts';
import { findSources, findWithParents, type CopyFacts, type Source } from './sources.ts';
import { keyOf, type BuildState } from './state.ts';
import { nowSecondsOf, type MadeLayer, type StepRoom, type Work } from './work.ts';

type Copying = Extract<Step['instruction'], { kind: 'COPY' | 'ADD' }>;

export async function copyWork(step: Step, instruction: Copying, state: BuildState, room: StepRoom): Promise<Work> {
  const { chown, chmod, kind, link } = instruction;
  if (link && chown !== undefined && !/^\d+(:\d+)?$/.test(chown)) throw fail('invalid', `--link cannot look up --chown=${chown}: it does not look at the files below it, and so not at their users`, { hint: 'Give the ids as numbers, or leave --link away' });
  const destination = destinationOf(instruction, state);
  // What a tree that nobody has changed was asked before needs no second look.
  const memory = kind === 'COPY' && instruction.from === undefined ? (await room.treeOf(undefined)).memory : undefined;
  const question = JSON.stringify([instruction, destination]);
  const known = memory?.get(question);
  const prepared = known === undefined ? await prepare(step, instruction, destination, room) : undefined;
  const { content, archives, shape } = known ?? prepared!.facts;
  memory?.set(question, { content, archives, shape });
  return {
    keyParts: [kind, content, destination, chown, chmod, archives, room.options.epochSeconds], isIndependent: link, config: state.config,
    createdBy: `${(step.shell ?? defaultShell).join(' ')} #(nop) ${kind} ${flagsText(instruction)}${shape}:${content} in ${instruction.destination} `,
    make: async (during) => copy((prepared ?? await prepare(step, instruction, destination, during)).draft, instruction, link ? [] : state.layers, during),
  };
}

/** What is looked for, found and hashed. */
async function prepare(step: Step, instruction: Copying, destination: string, room: StepRoom): Promise<{ readonly draft: Draft; readonly facts: CopyFacts }> {
  const { chown, chmod, inline, kind } = instruction;
  const found = await sourcesOf(step, instruction, room);
  const archives = kind === 'ADD' ? await archivesOf(instruction, found) : new Set<Source>();
  const draft = {
    keyword: kind, inline, sources: found.filter((source) => !archives.has(source)), archives: [...archives].map(({ entries: [entry] }) => ({ entry: entry! })), destination,
    keepsOwners: kind === 'COPY' && instruction.from !== undefined && chown === undefined, changeMode: chmod === undefined ? undefined : parseMode(chmod),
  };
  checkDestination(draft);
  const digest = await digestOfSources(found, { withOwners: draft.keepsOwners, signal: room.signal });
  return { draft, facts: { content: keyOf(digest, inline), archives: archives.size, shape: kindOf(found, inline.length) } };
}

/** What goes with its parents goes into a directory. */
function destinationOf(instruction: Copying, { config: { WorkingDir = '' } }: BuildState): string {
  const destination = absoluteDestination(instruction.destination, WorkingDir);
  return instruction.kind === 'COPY' && instruction.parents && !destination.endsWith('/') ? `${destination}/` : destination;
}

async function sourcesOf({ sources: [from] }: Step, instruction: Copying, room: StepRoom): Promise<readonly Source[]> {
  const { opened, signal, treeOf } = room;
  const options = { exclude: parseIgnoreFile(instruction.exclude.join('\n')), opened, signal };
  if (instruction.kind === 'ADD') return await addedSources(instruction, options, room);
  const tree = await treeOf(from);
  const found: Source[] = [];
  for (const written of instruction.sources) {
    if (instruction.parents) found.push(...[await findWithParents(tree, written, options)].filter((source) => source !== undefined));
    else found.push(...await findSources(tree, written, options));
  }
  return found;
}

type Draft = Omit<CopyPlan, 'owner' | 'nowSeconds' | 'latestSeconds' | 'signal'>;

/** `below`: the layers that are looked at. */
async function copy(draft: Draft, { chown }: Copying, below: BuildState['layers'], { storage: { snapshots }, ports, options, signal }: StepRoom): Promise<MadeLayer> {
  using root = snapshots.openFiles(below);
  const plan: CopyPlan = { ...draft, owner: chown === undefined ? undefined : ports.owner(root, chown), nowSeconds: nowSecondsOf(options), latestSeconds: options.epochSeconds, signal };
  return await snapshots.unpack(layerTarOf(plan, root), { signal });
}

function kindOf(sources: readonly Source[], inlineCount: number): CopyFacts['shape'] {
  if (sources.length + inlineCount !== 1) return 'multi';
  return sources[0]?.isDirectory === true ? 'dir' : 'file';
}

/** As history has them. */
function flagsText({ chown, chmod, link }: Copying): string {
  return [...chown === undefined ? [] : [`--chown=${chown} `], ...chmod === undefined ? [] : [`--chmod=${chmod} `], ...link ? ['--link '] : []].join('');
}
