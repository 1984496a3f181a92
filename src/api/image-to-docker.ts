// Images as Docker's JSON.
import { rfc3339, type Digest } from '../base/index.ts';
import type { HistoryStep, Image, Images, ListedManifest } from '../engine/index.ts';
import type { HistoryItem } from '../spec/docker/archive-view.ts';
import type { ImageInspect, ImageInspectConfig, ImageSummary, ManifestSummary } from '../spec/docker/image.ts';
import type { ImageRunConfig } from '../spec/oci/image.ts';

export function toImageSummary(image: Image, containers: number, sharedBytes = -1): ImageSummary {
  return {
    Containers: containers,
    Created: Math.floor(image.createdAt.getTime() / 1000),
    Id: image.id,
    Labels: image.config.config?.Labels ?? null,
    ParentId: image.parent ?? '',
    RepoDigests: image.repoDigests,
    RepoTags: image.repoTags,
    SharedSize: sharedBytes,
    Size: image.sizeBytes,
  };
}

export function toImageInspect(image: Image): ImageInspect {
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: image.repoTags,
    RepoDigests: image.repoDigests,
    Parent: image.parent ?? '',
    Comment: config.history?.at(-1)?.comment ?? '',
    ...(config.created === undefined ? {} : { Created: config.created }),
    DockerVersion: '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: { Data: null, Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: rfc3339(image.lastTaggedAt) },
    Config: toInspectConfig(config.config ?? {}),
  };
}

/** The ids of the containers that an image has. */
export type ContainersOf = (imageId: Digest) => readonly string[];

/** What `manifests=1` adds. An image without a target has none. */
export function toManifests({ target, manifests }: ReturnType<Images['manifests']>, containersOf: ContainersOf): Pick<ImageSummary, 'Descriptor' | 'Manifests'> {
  return { ...target === undefined ? {} : { Descriptor: target }, Manifests: manifests.map((one) => toManifest(one, containersOf)) };
}

function toManifest({ descriptor, isHere, contentBytes, kind }: ListedManifest, containersOf: ContainersOf): ManifestSummary {
  const unpacked = kind.kind === 'image' ? kind.unpackedBytes : 0;
  const summary: ManifestSummary = { ID: descriptor.digest, Descriptor: descriptor, Available: isHere, Kind: kind.kind, Size: { Content: contentBytes, Total: contentBytes + unpacked } };
  if (kind.kind === 'attestation') return { ...summary, AttestationData: { For: kind.about } };
  if (kind.kind === 'unknown') return summary;
  return { ...summary, ImageData: { Platform: kind.platform, Containers: kind.imageId === undefined ? [] : containersOf(kind.imageId), Size: { Unpacked: unpacked } } };
}

export function toHistoryItem({ comment, createdAt, createdBy, imageId, sizeBytes, repoTags }: HistoryStep): HistoryItem {
  return {
    Comment: comment, Created: createdAt === undefined ? 0 : Math.floor(createdAt.getTime() / 1000), CreatedBy: createdBy, Id: imageId ?? '<missing>', Size: sizeBytes,
    Tags: repoTags.length === 0 ? null : repoTags,
  };
}

function toInspectConfig(config: ImageRunConfig): ImageInspectConfig {
  const { ArgsEscaped, ExposedPorts, Healthcheck, Shell, StopSignal } = config;
  return {
    ...(ArgsEscaped === undefined ? {} : { ArgsEscaped }),
    Cmd: config.Cmd ?? null,
    Entrypoint: config.Entrypoint ?? null,
    Env: config.Env ?? null,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    ...(Healthcheck === undefined ? {} : { Healthcheck }),
    Labels: config.Labels ?? null,
    OnBuild: config.OnBuild ?? null,
    ...(Shell === undefined ? {} : { Shell }),
    ...(StopSignal === undefined ? {} : { StopSignal }),
    User: config.User ?? '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
  };
}
