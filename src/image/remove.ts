// `rmi`: which names go, whether the image goes, and who must be asked. The rules and the texts are dockerd's:
// - a name: it goes, unless it is the image's only repository and a container uses the image (force: it goes all the same);
// - an id: all names go when they are of one repository; of several, only with force;
// - the image itself goes with its last name, unless a container uses it: never under a running one, under a stopped one only with force.
import { fail, shortId, type Digest, type EstivaError } from '../base/index.ts';
import { canonicalReference, familiarName, familiarReference, parseReference, withDefaultTag, type Reference } from '../spec/reference.ts';
import type { RemovedImage } from './image.ts';
import type { ImagePorts, ImageUse } from './ports.ts';
import type { ImageRecord, ImageStore } from './store.ts';
import type { Target } from './target.ts';

export function removeImage(image: ImageRecord, nameOrId: string, force: boolean, store: ImageStore, ports: ImagePorts): RemovedImage {
  const names = store.namesOf(image.id);
  return isIdOf(image, nameOrId) ? removeById(image, nameOrId, names, force, store, ports) : removeName(image, nameOrId, names, force, store, ports);
}

/** A prefix of the id, with or without sha256:, and not a name that happens to look like one. */
function isIdOf(image: ImageRecord, nameOrId: string): boolean {
  return image.id.startsWith(nameOrId.startsWith('sha256:') ? nameOrId : `sha256:${nameOrId}`);
}

function removeName(image: ImageRecord, text: string, names: readonly Reference[], force: boolean, store: ImageStore, ports: ImagePorts): RemovedImage {
  const name = withDefaultTag(parseReference(text));
  const use = ports.imageInUse(image.id);
  if (!force && use !== undefined && isSingleRepository(names)) {
    throw fail('conflict', `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${shortId(use.containerId)} is using its referenced image ${shortId(image.id)}`);
  }
  const going = [name, ...digestsLeftBy(name, names)];
  const others = names.filter((other) => !going.some((one) => canonicalReference(one) === canonicalReference(other)));
  const siblings = siblingsOf(image.id, store.targetOf(name));
  // Under a running container the image stays, without a name.
  const deleted = others.length > 0 || use?.running === true ? [] : [image.id];
  store.remove(going, deleted);
  return { untagged: going.map(familiarReference), deleted: [...deleted, ...removeNameless(siblings, store, ports)] };
}

/** `rmi --platform`: these platforms of what a name points to. The name goes with the last of them. */
export function removePlatforms(images: readonly ImageRecord[], nameOrId: string, force: boolean, store: ImageStore, ports: ImagePorts): RemovedImage {
  const ids = new Set(images.map(({ id }) => id));
  const siblings = images.flatMap(({ id }) => store.namesOf(id)).flatMap((name) => store.targetOf(name)?.platforms ?? []);
  if (!siblings.some(({ imageId }) => !ids.has(imageId) && store.image(imageId) !== undefined)) return removeImage(images[0]!, nameOrId, force, store, ports);
  for (const id of ids) {
    const use = ports.imageInUse(id);
    if (use !== undefined && (use.running || !force)) throw inUse(nameOrId, use);
  }
  store.removeAside([...ids]);
  return { untagged: [], deleted: [...ids] };
}

/** With the last tag of a repository its digests go. */
function digestsLeftBy(name: Reference, names: readonly Reference[]): readonly Reference[] {
  if (name.digest !== undefined) return [];
  const ofRepository = names.filter((other) => familiarName(other) === familiarName(name));
  const isLast = ofRepository.every((other) => other.digest !== undefined || other.tag === name.tag);
  return isLast ? ofRepository.filter((other) => other.digest !== undefined) : [];
}

/** The other platforms of what a name points to. */
function siblingsOf(id: Digest, target: Target | undefined): readonly Digest[] {
  return (target?.platforms ?? []).map(({ imageId }) => imageId).filter((other) => other !== id);
}

/** They were shown below the name, so nobody would see what they are there for. Those with a container stay. */
function removeNameless(ids: readonly Digest[], store: ImageStore, ports: ImagePorts): readonly Digest[] {
  const nameless = ids.filter((id) => store.image(id) !== undefined && store.namesOf(id).length === 0 && ports.imageInUse(id) === undefined);
  store.remove([], nameless);
  return nameless;
}

function removeById(image: ImageRecord, text: string, names: readonly Reference[], force: boolean, store: ImageStore, ports: ImagePorts): RemovedImage {
  const use = ports.imageInUse(image.id);
  if (use !== undefined && (use.running || !force)) throw inUse(text, use);
  if (store.isAside(image.id)) {
    store.remove([], [image.id]);
    return { untagged: [], deleted: [image.id] };
  }
  if (!force && !isSingleRepository(names) && names.length > 0) {
    throw fail('conflict', `conflict: unable to delete ${text} (must be forced) - image is referenced in multiple repositories`);
  }
  const siblings = names.flatMap((name) => siblingsOf(image.id, store.targetOf(name)));
  store.remove(names, [image.id]);
  return { untagged: names.map(familiarReference), deleted: [image.id, ...removeNameless(siblings, store, ports)] };
}

function inUse(text: string, use: ImageUse): EstivaError {
  return fail('conflict', use.running
    ? `conflict: unable to delete ${text} (cannot be forced) - image is being used by running container ${shortId(use.containerId)}`
    : `conflict: unable to delete ${text} (must be forced) - image is being used by stopped container ${shortId(use.containerId)}`);
}

/** One name, or several of one repository (a tag and a digest, say); Docker counts two tags as two references. */
function isSingleRepository(names: readonly Reference[]): boolean {
  const tags = names.filter((name) => name.digest === undefined);
  return tags.length <= 1 && new Set(names.map(familiarName)).size <= 1;
}
