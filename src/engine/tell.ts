// From what happens in the rooms to events: Docker's action words and attributes.
import type { ContainerRecord, Happening } from '../container/index.ts';
import type { EngineEvent } from '../event/index.ts';
import type { ImageHappening } from '../image/index.ts';
import type { NetworkHappening } from '../network/index.ts';
import type { VolumeHappening } from '../volume/index.ts';

type Told = Omit<EngineEvent, 'timeNs'>;

export function imageEvent(happening: ImageHappening): Told {
  const { kind } = happening;
  if (kind === 'prune') return { type: 'image', action: kind, id: '', attributes: { reclaimed: String(happening.reclaimedBytes) } };
  const { id, name, labels } = happening;
  return { type: 'image', action: kind, id, attributes: { ...labels, name } };
}

export function networkEvent(happening: NetworkHappening): Told {
  if (happening.kind === 'prune') return { type: 'network', action: 'prune', id: '', attributes: { reclaimed: '0' } };
  const { kind, network } = happening;
  const who = 'containerId' in happening ? { container: happening.containerId } : {};
  return { type: 'network', action: kind, id: network.id, attributes: { ...who, name: network.name, type: network.driver } };
}

export function volumeEvent(happening: VolumeHappening): Told {
  if (happening.kind === 'prune') return { type: 'volume', action: 'prune', id: '', attributes: { reclaimed: String(happening.reclaimedBytes) } };
  const { kind, volume: { name, driver } } = happening;
  const more = 'containerId' in happening ? { ...happening.details, container: happening.containerId } : 'snapshot' in happening ? { snapshot: happening.snapshot } : {};
  return { type: 'volume', action: kind, id: name, attributes: { ...more, driver } };
}

export function containerEvent(happening: Happening): Told {
  const { kind } = happening;
  if (kind === 'prune') return { type: 'container', action: kind, id: '', attributes: { reclaimed: String(happening.reclaimedBytes) } };
  return { type: 'container', action: actionOf(happening), id: happening.container.id, attributes: { ...aboutOf(happening.container), ...detailsOf(happening) } };
}

/** Labels cannot hide name and image. */
function aboutOf({ config, name }: ContainerRecord): Told['attributes'] {
  return { ...config.Labels, image: config.Image, name };
}

function actionOf(happening: Happening): string {
  switch (happening.kind) {
    case 'exec_create': case 'exec_start': {
      const [program = '', ...args] = happening.command;
      return `${happening.kind}: ${program} ${args.join(' ')}`;
    }
    case 'health_status': return `health_status: ${happening.health}`;
    default: return happening.kind;
  }
}

function detailsOf(happening: Happening): Told['attributes'] {
  switch (happening.kind) {
    case 'kill': return { signal: String(happening.signal) };
    case 'die': return { exitCode: String(happening.exitCode), execDuration: String(Math.floor(happening.ranMs / 1000)) };
    case 'rename': return { oldName: `/${happening.oldName.replace(/^\//, '')}` };
    case 'resize': return { height: String(happening.rows), width: String(happening.columns) };
    case 'exec_create': case 'exec_start': case 'exec_detach': return { execID: happening.execId };
    case 'exec_die': return { execID: happening.execId, exitCode: String(happening.exitCode) };
    case 'commit': return { comment: happening.comment, imageID: happening.imageId };
    default: return {};
  }
}
