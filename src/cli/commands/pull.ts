import { pullImage } from '../../client/index.ts';
import { canonicalReference, parseReference, withDefaultTag } from '../../spec/reference.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { flag } from '../flags.ts';
import { progressView } from '../progress.ts';
import { authHeaders } from '../credentials/kept.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Download an image from a registry',
  aliases: ['image pull', 'pull'],
  examples: [
    ['pull --platform linux/arm64 alpine', 'for another machine; it is kept beside your own'],
    ['pull localhost:5000/tools/box:1', 'from a registry of your own'],
  ],
  flags: {
    'all-tags': flag.on('a', 'All tags of the repository'),
    platform: flag.text('', 'string', 'Platform of the image (os/arch); the daemon\'s unless given'),
    quiet: flag.on('q', 'Only print the name'),
  },
  later: { 'disable-content-trust': 'there is nothing to disable' },
  operands: { min: 1, max: 1 },
  async run({ values, operands: [name = ''], session }) {
    const reference = parseReference(name);
    const isNamed = reference.tag !== undefined || reference.digest !== undefined;
    if (values['all-tags'] && isNamed) throw new Exit(1, "tag can't be used with --all-tags/-a");
    if (!values['all-tags'] && !isNamed && !values.quiet) say(session, 'Using default tag: latest');
    const wanted = values['all-tags'] ? reference : withDefaultTag(reference);
    const repository = canonicalReference({ domain: reference.domain, path: reference.path });
    const show = values.quiet ? () => undefined : progressView(session.stdout);
    await pullImage(session.docker, repository, wanted.digest ?? wanted.tag ?? '', { platform: values.platform ?? session.environment['DOCKER_DEFAULT_PLATFORM'], headers: await authHeaders(session, reference.domain) }, show);
    say(session, canonicalReference(wanted));
    return 0;
  },
});
