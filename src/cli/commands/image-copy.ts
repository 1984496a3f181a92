// image copy: from registry to registry, with all platforms and without unpacking anything; Estiva's own (what buildx imagetools create does for one source).
import type { Digest } from '../../base/index.ts';
import { copyImage, type BlobState } from '../../registry/index.ts';
import { parsePlatform } from '../../spec/oci/platform.ts';
import { parseReference, withDefaultTag } from '../../spec/reference.ts';
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { progressView } from '../progress.ts';
import { registriesOf, repositoryOf } from '../remote/registries.ts';
import { say, type Session } from '../session.ts';

const words = { there: 'Already exists', mounted: 'Mounted', uploaded: 'Copied' } as const;

export const command = defineCommand({
  usage: '[OPTIONS] SOURCE[:TAG|@DIGEST] TARGET[:TAG]',
  summary: 'Copy an image from one registry to another, without keeping it here',
  examples: [
    ['image copy alpine:3 registry.example/mirror/alpine:3', 'all platforms, byte for byte'],
    ['image copy --platform linux/arm64 alpine:3 localhost:5000/alpine:arm', 'one of them'],
  ],
  flags: {
    insecure: flag.texts('', 'list', 'Registry without TLS, or with a certificate that is not verified (host:port)'),
    platform: flag.text('', 'string', 'Only this platform (os/arch)'),
    quiet: flag.on('q', 'Only print the digest'),
  },
  operands: { min: 2, max: 2 },
  async run({ values, operands: [from = '', to = ''], session }) {
    const [source, target] = [withDefaultTag(parseReference(from)), withDefaultTag(parseReference(to))];
    const platform = values.platform === undefined ? undefined : parsePlatform(values.platform);
    await using registries = registriesOf(session, values.insecure);
    await using reading = await repositoryOf(registries, source, 'pull', session);
    await using writing = await repositoryOf(registries, target, 'push', session);
    const copied = await copyImage(reading, source.digest ?? source.tag ?? 'latest', writing, target.tag, {
      platform, from: source.domain === target.domain ? source.path : undefined, ...values.quiet ? {} : { onBlob: shower(session) },
    });
    say(session, values.quiet ? copied.digest : `${target.tag ?? copied.digest}: digest: ${copied.digest} size: ${copied.size}`);
    return 0;
  },
});

function shower(session: Session): (digest: Digest, state: BlobState) => void {
  const show = progressView(session.stdout);
  return (digest, state) => {
    const id = digest.slice(7, 19);
    if (state.stage === 'copying') show({ id, status: 'Copying', progressDetail: { current: state.bytes, total: state.ofBytes } });
    else show({ id, status: words[state.stage] });
  };
}
