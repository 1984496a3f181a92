// daemon: the engine itself, in the foreground, until SIGTERM or SIGINT. Containers outlive it. Other commands start one when there is none.
import { defineCommand } from '../command.ts';
import { flag } from '../flags.ts';
import { defaultDaemonFile, withDaemonFile } from '../daemon-file.ts';
import { bytes } from '../create/values.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Run the engine in the foreground',
  examples: [
    ['daemon --root /srv/second --run /run/second', 'a second engine, beside the first'],
    ['daemon --registry-mirror https://mirror.example --registry-mirror ghcr.io=https://mirror.example/ghcr', 'mirrors of Docker Hub and of another registry'],
  ],
  flags: {
    'config-file': flag.text('', 'string', `Settings in a file, with Docker's keys (${defaultDaemonFile} unless given)`),
    'add-runtime': flag.texts('', 'runtime', 'One more OCI runtime for containers: NAME=PATH'),
    debug: flag.on('D', 'The same as --log-level debug'),
    'default-runtime': flag.text('', 'string', 'Runtime of containers that ask for none (estiva unless given)'),
    host: flag.text('H', 'string', 'Socket to listen at (unix:///path; estiva.sock in the run directory unless given)'),
    'image-budget': flag.value('', 'bytes', 'What images may take on the disk; over it, those that nothing uses go, the longest unused first', bytes),
    'insecure-registry': flag.texts('', 'list', 'Registry without TLS, or with a certificate that is not verified: host, host:port or CIDR'),
    'log-level': flag.text('l', 'string', 'How much to log: debug, info, warn, error, fatal (info unless given)'),
    'max-concurrent-downloads': flag.integer('', 'int', 'Layers that are fetched at once, for all pulls together (3 unless given)'),
    'max-concurrent-uploads': flag.integer('', 'int', 'Layers that a push sends at once (5 unless given)'),
    registry: flag.text('', 'string', 'Registry of names that name none, in the place of Docker Hub'),
    'registry-mirror': flag.texts('', 'list', 'Where to look first: URL for Docker Hub, REGISTRY=URL for another'),
    root: flag.text('', 'string', 'Data root: images, containers, logs (/var/lib/estiva unless given)'),
    run: flag.text('', 'string', 'Run directory: sockets, may vanish at reboot (/run/estiva unless given)'),
  },
  later: {
    'data-root': 'use --root', 'exec-root': 'use --run', 'group|G': 'the group docker may use the socket, where there is one',
    'pidfile|p': 'the data root\'s lock file holds the pid', tls: 'TLS comes later', tlsverify: 'TLS comes later',
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const { 'add-runtime': addedRuntimes, debug, 'default-runtime': defaultRuntime, 'image-budget': imageBudgetBytes, 'insecure-registry': insecure, 'log-level': level, host, 'max-concurrent-downloads': downloads, 'max-concurrent-uploads': uploads, registry: defaultRegistry, 'registry-mirror': mirrors, root, run } = withDaemonFile(values, { path: values['config-file'], environment: session.environment });
    await session.runDaemon({ host, root, run, logLevel: debug ? 'debug' : level, addedRuntimes, defaultRuntime, imageBudgetBytes, registries: { mirrors, insecure, defaultRegistry }, concurrent: { downloads, uploads } });
    return 0;
  },
});
