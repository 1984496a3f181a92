// `HostConfig.Mounts`: JSON of the right types. Which of them make a mount is the container's to say (container/mounts).
import { decode } from '../base/index.ts';
import type { MountRequest } from '../spec/docker/mount.ts';

const { dictionary, flag, integer, list, mapped, object, optional, presence, text } = decode;

/** What asks for nothing is not kept, as in Docker's answers. */
function unlessZero<T extends string | number | boolean>(inner: decode.Decode<T>): decode.Decode<T | undefined> {
  return mapped(inner, (value) => (value === '' || value === 0 || value === false ? undefined : value));
}

const words = optional(dictionary(text));

const bindOptions = object<NonNullable<MountRequest['BindOptions']>>({
  Propagation: unlessZero(text), NonRecursive: unlessZero(flag), CreateMountpoint: unlessZero(flag), ReadOnlyNonRecursive: unlessZero(flag), ReadOnlyForceRecursive: unlessZero(flag),
});

const volumeOptions = object<NonNullable<MountRequest['VolumeOptions']>>({
  NoCopy: unlessZero(flag), Labels: words, Subpath: unlessZero(text),
  DriverConfig: optional(object<NonNullable<NonNullable<MountRequest['VolumeOptions']>['DriverConfig']>>({ Name: unlessZero(text), Options: words })),
});

const tmpfsOptions = object<NonNullable<MountRequest['TmpfsOptions']>>({ SizeBytes: unlessZero(integer), Mode: unlessZero(integer), Options: optional(list(list(text))) });

const mount = object<MountRequest>({
  Type: text,
  Source: unlessZero(text),
  Target: unlessZero(text),
  ReadOnly: unlessZero(flag),
  Consistency: unlessZero(text),
  BindOptions: optional(bindOptions),
  VolumeOptions: optional(volumeOptions),
  ImageOptions: optional(object<NonNullable<MountRequest['ImageOptions']>>({ Subpath: unlessZero(text) })),
  TmpfsOptions: optional(tmpfsOptions),
  ClusterOptions: optional(presence),
  IdMap: optional(text),
  Chown: unlessZero(flag),
  Overlay: unlessZero(flag),
});

export const mounts: decode.Decode<readonly MountRequest[] | undefined> = mapped(list(mount), (all) => (all.length === 0 ? undefined : all));
