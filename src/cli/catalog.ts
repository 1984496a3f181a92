// All commands: a name, one line for help, and the file that is loaded when the command is called. Groups (`container ls`) name the same files.
import type { Command } from './command.ts';

export interface Entry {
  readonly summary: string;
  /** Left out of the list of commands: another name of one that is there. */
  readonly isAlias?: boolean;
  readonly load: () => Promise<Command>;
}

export type Catalog = Readonly<Record<string, Entry>>;

const ps: Entry = { summary: 'List containers', load: async () => (await import('./commands/ps.ts')).command };
const rm: Entry = { summary: 'Remove one or more containers', load: async () => (await import('./commands/rm.ts')).command };
const images: Entry = { summary: 'List images', load: async () => (await import('./commands/images.ts')).command };
const rmi: Entry = { summary: 'Remove one or more images', load: async () => (await import('./commands/rmi.ts')).command };

const alias = (entry: Entry): Entry => ({ ...entry, isAlias: true });

const containerCommands = {
  attach: { summary: 'Attach the terminal to a running container', load: async () => (await import('./commands/attach.ts')).command },
  commit: { summary: "Create a new image from a container's changes", load: async () => (await import('./commands/commit.ts')).command },
  cp: { summary: 'Copy files/folders between a container and the local filesystem', load: async () => (await import('./commands/cp.ts')).command },
  create: { summary: 'Create a new container', load: async () => (await import('./commands/create.ts')).command },
  diff: { summary: "Inspect changes to files or directories on a container's filesystem", load: async () => (await import('./commands/diff.ts')).command },
  exec: { summary: 'Execute a command in a running container', load: async () => (await import('./commands/exec.ts')).command },
  export: { summary: "Export a container's filesystem as a tar archive", load: async () => (await import('./commands/export.ts')).command },
  kill: { summary: 'Kill one or more running containers', load: async () => (await import('./commands/kill.ts')).command },
  logs: { summary: 'Fetch the logs of a container', load: async () => (await import('./commands/logs.ts')).command },
  pause: { summary: 'Pause all processes within one or more containers', load: async () => (await import('./commands/pause.ts')).command },
  port: { summary: 'List port mappings or a specific mapping for the container', load: async () => (await import('./commands/port.ts')).command },
  rename: { summary: 'Rename a container', load: async () => (await import('./commands/rename.ts')).command },
  restart: { summary: 'Restart one or more containers', load: async () => (await import('./commands/restart.ts')).command },
  rm,
  run: { summary: 'Create and run a new container from an image', load: async () => (await import('./commands/run.ts')).command },
  start: { summary: 'Start one or more stopped containers', load: async () => (await import('./commands/start.ts')).command },
  stats: { summary: 'Display a live stream of container(s) resource usage statistics', load: async () => (await import('./commands/stats.ts')).command },
  stop: { summary: 'Stop one or more running containers', load: async () => (await import('./commands/stop.ts')).command },
  top: { summary: 'Display the running processes of a container', load: async () => (await import('./commands/top.ts')).command },
  unpause: { summary: 'Unpause all processes within one or more containers', load: async () => (await import('./commands/unpause.ts')).command },
  update: { summary: 'Update configuration of one or more containers', load: async () => (await import('./commands/update.ts')).command },
  wait: { summary: 'Block until one or more containers stop, then print their exit codes', load: async () => (await import('./commands/wait.ts')).command },
} as const satisfies Catalog;

const imageCommands = {
  history: { summary: 'Show the history of an image', load: async () => (await import('./commands/history.ts')).command },
  import: { summary: 'Import the contents from a tarball to create a filesystem image', load: async () => (await import('./commands/import.ts')).command },
  load: { summary: 'Load an image from a tar archive or STDIN', load: async () => (await import('./commands/load.ts')).command },
  pull: { summary: 'Download an image from a registry', load: async () => (await import('./commands/pull.ts')).command },
  push: { summary: 'Upload an image to a registry', load: async () => (await import('./commands/push.ts')).command },
  save: { summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)', load: async () => (await import('./commands/save.ts')).command },
  tag: { summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE', load: async () => (await import('./commands/tag.ts')).command },
} as const satisfies Catalog;

const build: Entry = { summary: 'Build an image from a Dockerfile', load: async () => (await import('./commands/build.ts')).command };

const events: Entry = { summary: 'Get real time events from the server', load: async () => (await import('./commands/events.ts')).command };
const info: Entry = { summary: 'Display system-wide information', load: async () => (await import('./commands/info.ts')).command };

const contexts: Entry = { summary: 'List contexts', load: async () => (await import('./commands/context.ts')).ls };
const contextRm: Entry = { summary: 'Remove one or more contexts', load: async () => (await import('./commands/context.ts')).rm };

const networkLs: Entry = { summary: 'List networks', load: async () => (await import('./commands/network.ts')).ls };
const networkRm: Entry = { summary: 'Remove one or more networks', load: async () => (await import('./commands/network.ts')).rm };

const volumeLs: Entry = { summary: 'List volumes', load: async () => (await import('./commands/volume.ts')).ls };
const volumeRm: Entry = { summary: 'Remove one or more volumes', load: async () => (await import('./commands/volume.ts')).rm };

/** `estiva <group> <command>`. */
export const groups: Readonly<Record<string, { readonly summary: string; readonly commands: Catalog }>> = {
  container: {
    summary: 'Manage containers',
    commands: {
      ...containerCommands, ls: ps, list: alias(ps), ps: alias(ps), remove: alias(rm),
      prune: { summary: 'Remove all stopped containers', load: async () => (await import('./commands/container-prune.ts')).command },
      inspect: { summary: 'Display detailed information on one or more containers', load: async () => (await import('./commands/inspect.ts')).containerCommand },
    },
  },
  builder: {
    summary: 'Manage builds',
    commands: { build, prune: { summary: 'Remove build cache', load: async () => (await import('./commands/builder-prune.ts')).command } },
  },
  image: {
    summary: 'Manage images',
    commands: {
      ...imageCommands, build, ls: images, prune: { summary: 'Remove unused images', load: async () => (await import('./commands/image-prune.ts')).command }, list: alias(images), rm: rmi, remove: alias(rmi),
      copy: { summary: 'Copy an image from one registry to another, without keeping it here', load: async () => (await import('./commands/image-copy.ts')).command },
      diff: { summary: 'Show the files in which the second image differs from the first', load: async () => (await import('./commands/image-diff.ts')).command },
      efficiency: { summary: 'Show how many bytes of an image can be seen in it; fail below a limit', load: async () => (await import('./commands/image-efficiency.ts')).command },
      layers: { summary: 'Show what each layer of an image added, changed and removed', load: async () => (await import('./commands/image-layers.ts')).command },
      tree: { summary: 'Show what image names lead to: platforms, and the layers of each', load: async () => (await import('./commands/image-tree.ts')).command },
      inspect: { summary: 'Display detailed information on one or more images', load: async () => (await import('./commands/inspect.ts')).imageCommand },
    },
  },
  context: {
    summary: 'Manage contexts: names for daemons',
    commands: {
      create: { summary: 'Create a context', load: async () => (await import('./commands/context.ts')).create },
      export: { summary: 'Export a context to a tar archive FILE or a tar stream on STDOUT', load: async () => (await import('./commands/context.ts')).exportCommand },
      import: { summary: 'Import a context from a tar file', load: async () => (await import('./commands/context.ts')).importCommand },
      inspect: { summary: 'Display detailed information on one or more contexts', load: async () => (await import('./commands/context.ts')).inspect },
      list: alias(contexts), ls: contexts, remove: alias(contextRm), rm: contextRm,
      show: { summary: 'Print the name of the current context', load: async () => (await import('./commands/context.ts')).show },
      update: { summary: 'Update a context', load: async () => (await import('./commands/context.ts')).update },
      use: { summary: 'Set the current context', load: async () => (await import('./commands/context.ts')).use },
    },
  },
  manifest: {
    summary: 'Manage manifests and manifest lists in registries',
    commands: {
      annotate: { summary: 'Say more about a manifest of a local list', load: async () => (await import('./commands/manifest.ts')).annotate },
      create: { summary: 'Create a local manifest list, to annotate and push to a registry', load: async () => (await import('./commands/manifest.ts')).create },
      inspect: { summary: 'Show a manifest or a manifest list, local or in a registry', load: async () => (await import('./commands/manifest-inspect.ts')).command },
      push: { summary: 'Push a manifest list to a repository', load: async () => (await import('./commands/manifest.ts')).push },
      rm: { summary: 'Remove local manifest lists', load: async () => (await import('./commands/manifest.ts')).rm },
    },
  },
  network: {
    summary: 'Manage networks',
    commands: {
      connect: { summary: 'Connect a container to a network', load: async () => (await import('./commands/network.ts')).connect },
      create: { summary: 'Create a network', load: async () => (await import('./commands/network.ts')).create },
      disconnect: { summary: 'Disconnect a container from a network', load: async () => (await import('./commands/network.ts')).disconnect },
      inspect: { summary: 'Display detailed information on one or more networks', load: async () => (await import('./commands/network.ts')).inspect },
      list: alias(networkLs), ls: networkLs,
      prune: { summary: 'Remove all unused networks', load: async () => (await import('./commands/network.ts')).prune },
      remove: alias(networkRm), rm: networkRm,
    },
  },
  system: {
    summary: 'Manage the engine',
    commands: {
      df: { summary: 'Show what is used on the disk', load: async () => (await import('./commands/system-df.ts')).command },
      events, info,
      prune: { summary: 'Remove unused data', load: async () => (await import('./commands/system-prune.ts')).command },
    },
  },
  volume: {
    summary: 'Manage volumes',
    commands: {
      clone: { summary: 'Make a new volume with the files of another', load: async () => (await import('./commands/volume-copies.ts')).clone },
      create: { summary: 'Create a volume', load: async () => (await import('./commands/volume.ts')).create },
      inspect: { summary: 'Display detailed information on one or more volumes', load: async () => (await import('./commands/volume.ts')).inspect },
      export: { summary: 'Export the files of a volume as a tar archive', load: async () => (await import('./commands/volume-copies.ts')).exportCommand },
      import: { summary: 'Fill a volume with the files of a tar archive', load: async () => (await import('./commands/volume-copies.ts')).importCommand },
      list: alias(volumeLs), ls: volumeLs,
      prune: { summary: 'Remove anonymous volumes that no container has', load: async () => (await import('./commands/volume.ts')).prune },
      remove: alias(volumeRm), rm: volumeRm,
      rollback: { summary: 'Make the files of a volume those of a snapshot again', load: async () => (await import('./commands/volume-copies.ts')).rollback },
      snapshot: { summary: 'Keep the files of a volume as they are now', load: async () => (await import('./commands/volume-copies.ts')).snapshot },
      snapshots: { summary: 'List the snapshots of a volume, or remove some', load: async () => (await import('./commands/volume-copies.ts')).snapshots },
    },
  },
};

export const commands: Catalog = {
  ...containerCommands,
  ...imageCommands,
  build,
  completion: { summary: 'Print the completion script for a shell', load: async () => (await import('./commands/completion.ts')).command },
  daemon: { summary: 'Run the engine in the foreground', load: async () => (await import('./commands/daemon.ts')).command },
  events,
  images,
  info,
  inspect: { summary: 'Return low-level information on Docker objects', load: async () => (await import('./commands/inspect.ts')).command },
  login: { summary: 'Authenticate to a registry', load: async () => (await import('./commands/login.ts')).command },
  logout: { summary: 'Log out from a registry', load: async () => (await import('./commands/logout.ts')).command },
  ps,
  rmi,
  search: { summary: 'Search Docker Hub for images', load: async () => (await import('./commands/search.ts')).command },
  version: { summary: 'Show the version of client and daemon', load: async () => (await import('./commands/version.ts')).command },
};

const builds = 'BuildKit comes later; estiva build builds';
const clusters = 'Estiva runs on one machine';
const prunes = 'there are estiva system prune, container prune, image prune, network prune and volume prune';

/** Docker's commands that come later, or never: why, and what to do meanwhile. */
export const laterCommands: Readonly<Record<string, string>> = {
  buildx: builds, compose: 'compose comes later',
  checkpoint: 'checkpoints come later', config: clusters, df: 'use estiva system df',
  node: clusters, plugin: 'there are no plugins', prune: prunes,
  secret: clusters, service: clusters, stack: clusters, swarm: clusters,
  trust: 'there is no content trust; pull by digest',
};
