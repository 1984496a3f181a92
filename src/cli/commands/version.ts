import { apiVersionDefault, version } from '../../client/index.ts';
import type { VersionInfo } from '../../spec/docker/system.ts';
import { defineCommand } from '../command.ts';
import { textOfError } from '../errors.ts';
import { flag } from '../flags.ts';
import { printValue } from '../format.ts';
import { productVersion } from '../product.ts';
import { say, warn, type Session } from '../session.ts';
import { fromJson } from '../../spec/template/index.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Show the version of client and daemon',
  examples: [
    ['version --format \'{{.Server.Version}}\'', 'single values'],
  ],
  flags: { format: flag.text('f', 'string', 'Template, or \'json\'') },
  operands: { min: 0, max: 0 },
  async run({ values: { format }, session }) {
    const client = clientVersion(session);
    const server = await version(session.docker).catch((error: unknown) => ({ failure: textOfError(error) }));
    const isUp = !('failure' in server);
    if (format !== undefined && format !== '') {
      printValue(session, format, fromJson({ Client: client, Server: isUp ? server : null }), 'system.versionInfo');
    } else for (const line of [...clientLines(client), ...(isUp ? serverLines(server) : [])]) say(session, line);
    if (isUp) return 0;
    warn(session, server.failure);
    return 1;
  },
});

interface ClientVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly GitCommit: string;
  /** Docker's field; here the runtime of the client. */
  readonly GoVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly BuildTime: string;
  readonly Context: string;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

function clientVersion({ environment, contextName }: Session): ClientVersion {
  return {
    Version: productVersion, ApiVersion: environment['DOCKER_API_VERSION'] || apiVersionDefault, DefaultAPIVersion: apiVersionDefault, GitCommit: '',
    GoVersion: `node ${process.version}`, Os: process.platform, Arch: architectures[process.arch] ?? process.arch, BuildTime: '', Context: contextName(),
  };
}

function clientLines(client: ClientVersion): string[] {
  return ['Client: Estiva', row(1, 'Version', client.Version), row(1, 'API version', client.ApiVersion), row(1, 'Runtime', client.GoVersion), row(1, 'OS/Arch', `${client.Os}/${client.Arch}`)];
}

function serverLines(server: VersionInfo): string[] {
  const { Platform: platform, MinAPIVersion: minimum } = server;
  const lines = ['', `Server:${platform.Name === '' ? '' : ` ${platform.Name}`}`, ' Engine:', row(2, 'Version', server.Version),
    row(2, 'API version', `${server.ApiVersion} (minimum version ${minimum})`), row(2, 'Runtime', server.GoVersion)];
  if (server.GitCommit !== '') lines.push(row(2, 'Git commit', server.GitCommit));
  if (server.BuildTime !== undefined && server.BuildTime !== '') lines.push(row(2, 'Built', server.BuildTime));
  lines.push(row(2, 'OS/Arch', `${server.Os}/${server.Arch}`), row(2, 'Kernel', server.KernelVersion));
  for (const { Name, Version } of server.Components ?? []) if (Name !== 'Engine') lines.push(` ${Name}:`, row(2, 'Version', Version));
  return lines;
}

/** Values stand in one column, whatever the depth. */
function row(depth: number, name: string, value: string): string {
  return `${' '.repeat(depth)}${`${name}:`.padEnd(20 - depth)}${value}`;
}
