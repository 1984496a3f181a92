import { pushImage } from '../../client/index.ts';
import { parsePlatform } from '../../spec/oci/platform.ts';
import { canonicalReference, parseReference, withDefaultTag } from '../../spec/reference.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { progressView } from '../progress.ts';
import { authHeaders } from '../credentials/kept.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  summary: 'Upload an image to a registry',
  aliases: ['image push', 'push'],
  examples: [
    ['push localhost:5000/tools/box:1', 'what was pulled goes out byte for byte'],
    ['push --compression zstd localhost:5000/tools/box:1', 'smaller and faster, for registries and engines of the last years'],
  ],
  flags: {
    'all-tags': flag.on('a', 'All tags of the repository'),
    compression: flag.text('', 'string', 'Of layers that were made here: gzip, zstd (gzip unless given)'),
    platform: flag.text('', 'string', 'Only this platform of an image for several (os/arch)'),
    quiet: flag.on('q', 'Only print the name'),
  },
  later: { 'disable-content-trust': 'there is nothing to disable' },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [name = ''], session }) {
    const reference = parseReference(name);
    if (values['all-tags'] && (reference.tag !== undefined || reference.digest !== undefined)) throw new Exit(1, "tag can't be used with --all-tags/-a");
    const wanted = values['all-tags'] ? reference : withDefaultTag(reference);
    if (!values['all-tags'] && reference.tag === undefined && !values.quiet) say(session, 'Using default tag: latest');
    const platform = values.platform === undefined ? undefined : parsePlatform(values.platform);
    const show = values.quiet ? () => undefined : progressView(session.stdout);
    await pushImage(session.docker, canonicalReference({ domain: reference.domain, path: reference.path }), { tag: wanted.tag, platform, compression: values.compression, headers: await authHeaders(session, reference.domain) }, show);
    if (values.quiet) say(session, canonicalReference(wanted));
    return 0;
  },
});
