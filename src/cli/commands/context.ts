// context: names for daemons. `context use NAME`, and from then on every command talks to that one.
import { createReadStream, openSync, closeSync, writeSync } from 'node:fs';
import { parseHost } from '../../client/index.ts';
import { readTar, tarHeader, writeTar } from '../../spec/tar/index.ts';
import { defineCommand, type Command } from '../command.ts';
import { checkNewName, defaultName, openContexts, parseContext, type Context, type ContextStore, type Endpoint } from '../context/store.ts';
import { openError } from '../create/files.ts';
import { Exit, textOfError } from '../errors.ts';
import { flag } from '../flags.ts';
import { printRows, type Listing, type Row } from '../format.ts';
import { inspectObjects } from '../inspect.ts';
import { say, warn, type Session } from '../session.ts';

const defaultDescription = 'Current DOCKER_HOST based configuration';

/** The default context is made of what -H and the environment say. */
function contextNamed(session: Session, store: ContextStore, name: string): Context {
  if (name !== defaultName) return store.get(name);
  return { Name: defaultName, Metadata: {}, Endpoints: { docker: { Host: session.defaultHost, SkipTLSVerify: false } } };
}

const storeOf = ({ config }: Session): ContextStore => openContexts(config.dir);

/** `--docker host=unix:///x`, or `from=NAME`: what the context says of its daemon. Hosts that could not be reached are refused here, not later. */
function endpointOf(session: Session, store: ContextStore, words: readonly (readonly [key: string, value: string])[]): Endpoint {
  const given = Object.fromEntries(words);
  for (const key of Object.keys(given)) {
    if (['ca', 'cert', 'key', 'skip-tls-verify'].includes(key)) throw new Exit(1, `unable to create docker endpoint config: ${key}: TLS is not there yet in Estiva; use a unix:// host`);
    if (!['host', 'from'].includes(key)) throw new Exit(1, `unable to create docker endpoint config: unrecognized config key: ${key}`);
  }
  if (given['from'] !== undefined) return contextNamed(session, store, given['from']).Endpoints.docker ?? { SkipTLSVerify: false };
  const host = given['host'] ?? '';
  if (host === '') return { SkipTLSVerify: false };
  return { Host: parseHost(host).text, SkipTLSVerify: false };
}

const dockerFlag = flag.list('', 'stringToString', 'The daemon: host=unix:///path, or from=CONTEXT', (text) => {
  const at = text.indexOf('=');
  return [text.slice(0, Math.max(0, at)), text.slice(at + 1)] as const;
});

export const create = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  summary: 'Create a context',
  examples: [['context create build --docker host=unix:///run/second/estiva.sock', 'a second engine of this machine'], ['context create old --docker host=unix:///var/run/docker.sock', 'a dockerd']],
  flags: { description: flag.text('', 'string', 'What it is'), docker: dockerFlag, from: flag.text('', 'string', 'Begin with what another context says') },
  operands: { min: 1, max: 1 },
  async run({ values: { description, docker, from }, operands: [name = ''], session }) {
    const store = storeOf(session);
    checkNewName(store, name);
    const base = docker.length > 0 ? undefined : contextNamed(session, store, from ?? session.contextName());
    const Endpoints = base?.Endpoints ?? { docker: endpointOf(session, store, docker) };
    const words = description ?? (base?.Name === defaultName ? defaultDescription : undefined);
    store.put({ Name: name, Metadata: { ...base?.Metadata, ...(words === undefined ? {} : { Description: words }) }, Endpoints });
    say(session, name);
    warn(session, `Successfully created context ${JSON.stringify(name)}`);
    return 0;
  },
});

export const update = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  summary: 'Update a context',
  flags: { description: flag.text('', 'string', 'What it is'), docker: dockerFlag },
  operands: { min: 1, max: 1 },
  async run({ values: { description, docker }, operands: [name = ''], session }) {
    const store = storeOf(session);
    const old = store.get(name);
    const Endpoints = docker.length === 0 ? old.Endpoints : { docker: endpointOf(session, store, docker) };
    store.put({ Name: name, Metadata: { ...old.Metadata, ...(description === undefined ? {} : { Description: description }) }, Endpoints });
    say(session, name);
    warn(session, `Successfully updated context ${JSON.stringify(name)}`);
    return 0;
  },
});

const listing: Listing = {
  columns: '{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}',
  heads: { Current: '', Description: 'DESCRIPTION', DockerEndpoint: 'DOCKER ENDPOINT', Error: 'ERROR', Name: 'NAME' },
  typeName: '*formatter.clientContextContext',
};

export const ls = defineCommand({
  usage: '[OPTIONS]',
  summary: 'List contexts',
  aliases: ['context ls', 'context list'],
  flags: { format: flag.text('', 'string', 'Template for each row, \'table TEMPLATE\', or \'json\''), quiet: flag.on('q', 'Only names') },
  operands: { min: 0, max: 0 },
  async run({ values: { format, quiet }, session }) {
    const current = session.contextName();
    const all = [contextNamed(session, storeOf(session), defaultName), ...storeOf(session).list()];
    const rows = all.toSorted((a, b) => (a.Name < b.Name ? -1 : 1)).map((context): Row => ({
      Current: context.Name === current, Description: context.Name === defaultName ? defaultDescription : descriptionOf(context),
      DockerEndpoint: context.Endpoints.docker?.Host ?? '', Error: '', Name: context.Name,
    }));
    printRows(session, quiet ? '{{.Name}}' : format, listing, rows);
    const variable = overridingVariable(session);
    if (variable !== undefined) warn(session, overrides(variable, 'a context'));
    return 0;
  },
});

function descriptionOf({ Metadata: { Description: description } }: Context): string {
  return typeof description === 'string' ? description : '';
}

export const inspect = defineCommand({
  usage: '[OPTIONS] [CONTEXT] [CONTEXT...]',
  summary: 'Display detailed information on one or more contexts',
  flags: { format: flag.text('f', 'string', 'Template for each context') },
  operands: { min: 0 },
  run({ values: { format }, operands, session }) {
    const store = storeOf(session);
    return inspectObjects(session, operands.length === 0 ? [session.contextName()] : operands, format, async (name) => {
      const { Name, Metadata, Endpoints } = contextNamed(session, store, name);
      const { meta, tls } = store.paths(name);
      const storage = name === defaultName ? { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' } : { MetadataPath: meta, TLSPath: tls };
      return JSON.stringify({ Name, Metadata, Endpoints, TLSMaterial: {}, Storage: storage }).replace(/[<>]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
    });
  },
});

export const use = defineCommand({
  usage: 'CONTEXT',
  summary: 'Set the current context',
  examples: [['context use build', 'from now on'], ['context use default', 'back to this machine\'s own engine']],
  flags: {},
  operands: { min: 1, max: 1 },
  async run({ operands: [name = ''], session }) {
    contextNamed(session, storeOf(session), name);
    session.config.change('currentContext', name === defaultName ? undefined : name);
    say(session, name);
    warn(session, `Current context is now ${JSON.stringify(name)}`);
    const variable = overridingVariable(session);
    if (variable !== undefined && name !== defaultName) warn(session, overrides(variable, JSON.stringify(name)));
    return 0;
  },
});

/** What names a daemon in the environment, and so makes contexts count for nothing. */
function overridingVariable({ environment }: Session): string | undefined {
  return ['ESTIVA_HOST', 'ESTIVA_RUN', 'DOCKER_HOST'].find((variable) => (environment[variable] ?? '') !== '');
}

function overrides(variable: string, what: string): string {
  return `Warning: ${variable} environment variable overrides the active context. To use ${what}, either set the global --context flag, or unset ${variable} environment variable.`;
}

export const rm = defineCommand({
  usage: 'CONTEXT [CONTEXT...]',
  summary: 'Remove one or more contexts',
  aliases: ['context rm', 'context remove'],
  flags: { force: flag.on('f', 'Also the current one') },
  operands: { min: 1 },
  async run({ values: { force }, operands, session }) {
    const store = storeOf(session);
    let code = 0;
    for (const name of operands) {
      const complaint = whyNotRemoved(session, store, name, force);
      if (complaint !== undefined) {
        warn(session, complaint);
        code = 1;
        continue;
      }
      store.remove(name);
      if (session.config.setting('currentContext') === name) session.config.change('currentContext', undefined);
      say(session, name);
    }
    return code;
  },
});

function whyNotRemoved(session: Session, store: ContextStore, name: string, force: boolean): string | undefined {
  if (name === defaultName) return `context ${JSON.stringify(name)} cannot be removed`;
  if (!store.has(name)) return force ? undefined : `context ${JSON.stringify(name)} does not exist`;
  return name === session.contextName() && !force ? `context ${JSON.stringify(name)} is in use, set -f flag to force remove` : undefined;
}

export const show = defineCommand({
  usage: '',
  summary: 'Print the name of the current context',
  flags: {},
  operands: { min: 0, max: 0 },
  async run({ session }) {
    say(session, session.contextName());
    return 0;
  },
});

const suffix = '.dockercontext';

export const exportCommand: Command = defineCommand({
  usage: 'CONTEXT [FILE|-]',
  summary: 'Export a context to a tar archive FILE or a tar stream on STDOUT',
  flags: {},
  operands: { min: 1, max: 2 },
  async run({ operands: [name = '', target = `${name}${suffix}`], session }) {
    const meta = Buffer.from(JSON.stringify(contextNamed(session, storeOf(session), name)));
    const members = [
      { header: tarHeader({ type: 'file', path: 'meta.json', mode: 0o644, sizeBytes: meta.length }), data: [meta] },
      { header: tarHeader({ type: 'directory', path: 'tls', mode: 0o700 }) },
    ];
    if (target === '-') {
      if (session.stdout.isTTY === true) throw new Exit(1, 'cowardly refusing to export to a terminal, specify a file path');
      for await (const bytes of writeTar(members)) session.stdout.write(bytes);
      return 0;
    }
    const fd = openNew(target);
    try {
      for await (const bytes of writeTar(members)) writeSync(fd, bytes);
    } finally {
      closeSync(fd);
    }
    warn(session, `Written file ${JSON.stringify(target)}`);
    return 0;
  },
});

function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    throw new Exit(1, openError(path, error));
  }
}

const metaBytesMax = 1 << 20;

export const importCommand: Command = defineCommand({
  usage: 'CONTEXT FILE|-',
  summary: 'Import a context from a tar file',
  flags: {},
  operands: { min: 2, max: 2 },
  async run({ operands: [name = '', source = ''], session }) {
    const store = storeOf(session);
    checkNewName(store, name);
    const archive = source === '-' ? session.stdin : createReadStream(source, { fd: openFile(source) });
    const context = await contextIn(archive);
    const host = context.Endpoints.docker?.Host;
    if (host !== undefined) parseHost(host);
    store.put({ ...context, Name: name });
    say(session, name);
    warn(session, `Successfully imported context ${JSON.stringify(name)}`);
    return 0;
  },
});

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new Exit(1, openError(path, error));
  }
}

/** Keys for TLS are not taken along: nothing here could use them. */
async function contextIn(archive: AsyncIterable<Uint8Array>): Promise<Context> {
  let found: Context | undefined;
  try {
    for await (const entry of readTar(archive)) {
      if (entry.path !== 'meta.json' || entry.type !== 'file') continue;
      if (entry.sizeBytes > metaBytesMax) throw new Exit(1, `meta.json has more than ${metaBytesMax} bytes`);
      const parts: Uint8Array[] = [];
      for await (const part of entry.data()) parts.push(part);
      found = parseContext(Buffer.concat(parts).toString(), 'meta.json');
    }
  } catch (error) {
    throw error instanceof Exit ? error : new Exit(1, textOfError(error));
  }
  if (found === undefined) throw new Exit(1, 'unexpected context file: it has no meta.json');
  return found;
}
