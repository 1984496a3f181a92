import { inspectContainerText, inspectImageText, inspectNetworkText, inspectVolumeText, isDaemonError, type Docker } from '../../client/index.ts';
import { defineCommand, type Command } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { inspectObjects } from '../inspect.ts';
import { platform } from '../platform.ts';
import type { Session } from '../session.ts';

type Find = (docker: Docker, name: string, options: { readonly size: boolean }) => Promise<string>;

const flags = {
  format: flag.text('f', 'string', 'Template for each object, or \'json\''),
} as const;
const size = flag.on('s', 'Also what a container takes on the disk');

/** `inspect`: containers first, then images, networks and volumes, or only what --type says. */
export const command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on Docker objects',
  examples: [
    ['inspect --format \'{{.State.Status}} {{.State.Pid}}\' web', 'single values'],
    ['inspect --format \'{{json .Config.Env}}\' web', 'a part as JSON'],
  ],
  flags: { ...flags, size, type: flag.text('', 'string', 'Only objects of this type: container, image, network, volume') },
  operands: { min: 1 },
  run({ values: { format, size, type }, operands, session }) {
    return inspectObjects(session, operands, format, sized(session, finderOf(type), size));
  },
});

export const containerCommand: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Display detailed information on one or more containers',
  flags: { ...flags, size },
  operands: { min: 1 },
  run: ({ values: { format, size }, operands, session }) => inspectObjects(session, operands, format, sized(session, inspectContainerText, size)),
});

export const imageCommand: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Display detailed information on one or more images',
  flags: { ...flags, platform: flag.value('', 'string', 'That of this platform (os/arch)', platform) },
  operands: { min: 1 },
  run: ({ values: { format, platform: wanted }, operands, session }) => inspectObjects(session, operands, format, (name) => inspectImageText(session.docker, name, { platform: wanted })),
});

function sized({ docker }: Session, find: Find, size: boolean): (name: string) => Promise<string> {
  return (name) => find(docker, name, { size });
}

const laterTypes = ['config', 'node', 'plugin', 'secret', 'service', 'task'];
const types = '"container", "image", "network", "volume"';

function finderOf(type: string | undefined): Find {
  if (type === undefined) return findAny;
  if (type === 'container') return inspectContainerText;
  if (type === 'image') return findImage;
  if (type === 'network') return findNetwork;
  if (type === 'volume') return findVolume;
  if (type === '') throw new Exit(1, `type is empty: must be one of ${types}`);
  if (laterTypes.includes(type)) throw new Exit(1, `--type ${type} is not there yet in Estiva: must be one of ${types}`);
  throw new Exit(1, `unknown type: ${JSON.stringify(type)}: must be one of ${types}`);
}

const findImage: Find = (docker, name) => inspectImageText(docker, name);

const findNetwork: Find = (docker, name) => inspectNetworkText(docker, name);

const findVolume: Find = (docker, name) => inspectVolumeText(docker, name);

async function findAny(docker: Docker, name: string, options: { readonly size: boolean }): Promise<string> {
  for (const find of [inspectContainerText, findImage, findNetwork, findVolume]) {
    try {
      return await find(docker, name, options);
    } catch (error) {
      if (!isDaemonError(error, 404)) throw error;
    }
  }
  throw new Exit(1, `Error: No such object: ${name}`);
}
