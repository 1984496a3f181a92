// context: names for daemons. `context use NAME`, and from then on every command talks to that one.
import { createReadStream, openSync, closeSync, writeSync } from 'node:fs';
import { parseHost } from '../../client/index.ts';
import { readTar, tarHeader, writeTar } from '../../spec/tar/index.ts';
import { defineCommand, type Command } from '../command.ts';
import { checkNewName, defaultName, openContexts, parseContext, type Context, type ContextStore, type Endpoint } from '../context/store.ts';
import { readTlsFile, settingsOf, tlsFileNames, type TlsFiles } from '../context/tls.ts';
import { openError } from '../create/files.ts';
import { Exit, textOfError } from '../errors.ts';
import { flag, FlagError } from '../flags.ts';
import { printRows, type Listing, type Row } from '../format.ts';
import { inspectObjects } from '../inspect.ts';
import { say, warn, type Session } from '../session.ts';

const defaultDescription = 'Current DOCKER_HOST based configuration';

/** The default context is made of what -H and the environment say. */
function contextNamed(session: Session, store: ContextStore, name: string): Context {
  if (name !== defaultName) return store.get(name);
  const { host, tls } = session.defaultEndpoint();
  return { Name: defaultName, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: tls?.isVerified === false } } };
}

function keysOf(session: Session, store: ContextStore, name: string): TlsFiles {
  return name === defaultName ? session.defaultEndpoint().tls?.files ?? {} : store.tls(name);
}

const storeOf = ({ config }: Session): ContextStore => openContexts(config.dir);

interface Given {
  readonly endpoint: Endpoint;
  readonly files: TlsFiles;
}

/** `--docker host=unix:///x`, or `from=NAME`: what the context says of its daemon. Hosts that could not be reached are refused here, not later. */
function endpointOf(session: Session, store: ContextStore, words: readonly (readonly (readonly [key: string, value: string])[])[]): Given {
  const given = Object.fromEntries(words.flat());
  const unknown = Object.keys(given).find((key) => !['host', 'from', 'ca', 'cert', 'key', 'skip-tls-verify'].includes(key));
  if (unknown !== undefined) throw new Exit(1, `unable to create docker endpoint config: unrecognized config key: ${unknown}`);
  const { from, host = '', 'skip-tls-verify': skips = 'false' } = given;
  if (from !== undefined) return { endpoint: contextNamed(session, store, from).Endpoints.docker ?? { SkipTLSVerify: false }, files: keysOf(session, store, from) };
  if (!/^(true|false|1|0|t|f)$/i.test(skips)) throw new Exit(1, `unable to create docker endpoint config: skip-tls-verify: parsing ${JSON.stringify(skips)}: invalid syntax`);
  const SkipTLSVerify = /^(true|1|t)$/i.test(skips);
  const named = (['ca', 'cert', 'key'] as const).filter((key) => (given[key] ?? '') !== '');
  const files: TlsFiles = Object.fromEntries(named.map((key) => [`${key}.pem`, readTlsFile(given[key]!)]));
  const tls = SkipTLSVerify || named.length > 0 ? settingsOf(files, !SkipTLSVerify) : undefined;
  return { files, endpoint: { ...(host === '' ? {} : { Host: parseHost(host, tls).text }), SkipTLSVerify } };
}

const dockerFlag = flag.list('', 'stringToString', 'The daemon: host=unix:///path, or host=tcp://name:port,ca=FILE,cert=FILE,key=FILE, or from=CONTEXT', (text) => text.split(',').map((word) => {
  const at = word.indexOf('=');
  if (at < 1) throw new FlagError(`${word} must be formatted as key=value`);
  return [word.slice(0, at), word.slice(at + 1)] as const;
}));

export const create = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  summary: 'Create a context',
  examples: [['context create build --docker host=unix:///run/second/estiva.sock', 'a second engine of this machine'], ['context create old --docker host=unix:///var/run/docker.sock', 'a dockerd']],
  flags: { description: flag.text('', 'string', 'What it is'), docker: dockerFlag, from: flag.text('', 'string', 'Begin with what another context says') },
  operands: { min: 1, max: 1 },
  async run({ values: { description, docker, from }, operands: [name = ''], session }) {
    const store = storeOf(session);
    checkNewName(store, name);
    const baseName = from ?? session.contextName();
    const base = docker.length > 0 ? undefined : contextNamed(session, store, baseName);
    const { endpoint, files } = base === undefined ? endpointOf(session, store, docker) : { endpoint: base.Endpoints.docker, files: keysOf(session, store, baseName) };
    const words = description ?? (base?.Name === defaultName ? defaultDescription : undefined);
    store.put({ Name: name, Metadata: { ...base?.Metadata, ...(words === undefined ? {} : { Description: words }) }, Endpoints: endpoint === undefined ? {} : { docker: endpoint } }, files);
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
    const given = docker.length === 0 ? undefined : endpointOf(session, store, docker);
    store.put({ Name: name, Metadata: { ...old.Metadata, ...(description === undefined ? {} : { Description: description }) }, Endpoints: given === undefined ? old.Endpoints : { docker: given.endpoint } }, given?.files);
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
      const files = Object.keys(keysOf(session, store, name));
      return JSON.stringify({ Name, Metadata, Endpoints, TLSMaterial: files.length === 0 ? {} : { docker: files }, Storage: storage }).replace(/[<>]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
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
    const keys = Object.entries(keysOf(session, storeOf(session), name));
    const members = [
      { header: tarHeader({ type: 'file', path: 'meta.json', mode: 0o644, sizeBytes: meta.length }), data: [meta] },
      { header: tarHeader({ type: 'directory', path: 'tls', mode: 0o700 }) },
      ...keys.length === 0 ? [] : [{ header: tarHeader({ type: 'directory', path: 'tls/docker', mode: 0o700 }) }],
      ...keys.map(([file, bytes]) => ({ header: tarHeader({ type: 'file', path: `tls/docker/${file}`, mode: 0o600, sizeBytes: bytes.length }), data: [bytes] })),
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

const fileBytesMax = 1 << 20;

export const importCommand: Command = defineCommand({
  usage: 'CONTEXT FILE|-',
  summary: 'Import a context from a tar file',
  flags: {},
  operands: { min: 2, max: 2 },
  async run({ operands: [name = '', source = ''], session }) {
    const store = storeOf(session);
    checkNewName(store, name);
    const archive = source === '-' ? session.stdin : createReadStream(source, { fd: openFile(source) });
    const { context, files } = await contextIn(archive);
    const { Host: host, SkipTLSVerify: skips = false } = context.Endpoints.docker ?? {};
    if (host !== undefined) parseHost(host, skips || Object.keys(files).length > 0 ? settingsOf(files, !skips) : undefined);
    store.put({ ...context, Name: name }, files);
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

async function contextIn(archive: AsyncIterable<Uint8Array>): Promise<{ readonly context: Context; readonly files: TlsFiles }> {
  let context: Context | undefined;
  const files: Record<string, Buffer> = {};
  try {
    for await (const entry of readTar(archive)) {
      const key = tlsFileNames.find((name) => entry.path === `tls/docker/${name}`);
      if (entry.type !== 'file' || (entry.path !== 'meta.json' && key === undefined)) continue;
      if (entry.sizeBytes > fileBytesMax) throw new Exit(1, `${entry.path} has more than ${fileBytesMax} bytes`);
      const parts: Uint8Array[] = [];
      for await (const part of entry.data()) parts.push(part);
      if (key === undefined) context = parseContext(Buffer.concat(parts).toString(), 'meta.json');
      else files[key] = Buffer.concat(parts);
    }
  } catch (error) {
    throw error instanceof Exit ? error : new Exit(1, textOfError(error));
  }
  if (context === undefined) throw new Exit(1, 'unexpected context file: it has no meta.json');
  return { context, files };
}
