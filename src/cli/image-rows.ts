// An image as rows of `images`: one for each tag (and, with digests, for each digest).
import { durationInWords } from '../base/index.ts';
import type { ImageSummary } from '../spec/docker/image.ts';
import type { Listing, Row } from './format.ts';
import { splitReference } from './reference.ts';
import { humanSize, localTime } from './units.ts';

const base: Omit<Listing, 'columns'> = {
  heads: {
    Containers: 'CONTAINERS', CreatedAt: 'CREATED AT', CreatedSince: 'CREATED', Digest: 'DIGEST', ID: 'IMAGE ID', Repository: 'REPOSITORY', SharedSize: 'SHARED SIZE',
    Size: 'SIZE', Tag: 'TAG', UniqueSize: 'UNIQUE SIZE', VirtualSize: 'SIZE',
  },
  typeName: '*formatter.imageContext',
};

export const imageListing: Readonly<Record<'plain' | 'withDigests' | 'withSharing', Listing>> = {
  /** For system df. */
  withSharing: { ...base, columns: '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}' },
  plain: { ...base, columns: '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}' },
  withDigests: { ...base, columns: '{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}' },
};

export interface ImageRowOptions {
  readonly isTruncated: boolean;
  readonly showsDigests: boolean;
  readonly now: Date;
}

const none = '<none>';

interface Name {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

export function imageRows(image: ImageSummary, options: ImageRowOptions): Row[] {
  const created = new Date(image.Created * 1000);
  const fields = {
    CreatedAt: localTime(created),
    CreatedSince: image.Created === 0 ? 'N/A' : `${durationInWords(options.now.getTime() - created.getTime())} ago`,
    ID: options.isTruncated ? image.Id.replace(/^sha256:/, '').slice(0, 12) : image.Id,
    SharedSize: image.SharedSize < 0 ? 'N/A' : humanSize(image.SharedSize, 4),
    Size: humanSize(image.Size),
    UniqueSize: image.SharedSize < 0 ? 'N/A' : humanSize(image.Size - image.SharedSize, 4),
    VirtualSize: humanSize(image.Size, 4),
  };
  return namesOf(image, options.showsDigests).map(({ repository, tag, digest }) => {
    const { CreatedAt, CreatedSince, ID, SharedSize, Size, UniqueSize, VirtualSize } = fields;
    // In the order of their names: so does Docker's `json` write them.
    return { Containers: image.Containers >= 0 ? String(image.Containers) : 'N/A', CreatedAt, CreatedSince, Digest: digest, ID, Repository: repository, SharedSize, Size, Tag: tag, UniqueSize, VirtualSize };
  });
}

function namesOf(image: ImageSummary, showsDigests: boolean): readonly Name[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== `${none}:${none}`).map(splitReference);
  const digests = (image.RepoDigests ?? []).filter((digest) => !digest.startsWith(none)).map(splitReference);
  if (tags.length === 0) {
    if (digests.length === 0) return [{ repository: none, tag: none, digest: none }];
    return digests.map(({ name, digest = none }) => ({ repository: name, tag: none, digest: showsDigests ? digest : none }));
  }
  return tags.flatMap(({ name, tag = none }) => {
    const own = showsDigests ? digests.filter((digest) => digest.name === name) : [];
    if (own.length === 0) return [{ repository: name, tag, digest: none }];
    return own.map(({ digest = none }) => ({ repository: name, tag, digest }));
  });
}
