// Containers: the typed calls of /containers. Names and ids go into paths as they are, percent-encoded; `signal` leaves a waiting call.
import type { ContainerConfig, ContainerLimits, EndpointSettings, HostConfig, PortBindings } from '../spec/docker/container.ts';
import type { ContainerInspect, ContainerSummary, CreateContainerResponse, TopResponse, WaitResponse } from '../spec/docker/container-view.ts';
import type { Docker, Hijacked } from './docker.ts';
import { readJsonLines, textOf } from './docker.ts';
import type { Answer } from './http.ts';

/** What `POST /containers/create` takes: the configuration with its HostConfig inside. Left out: the daemon's default. */
export type CreateBody = Partial<ContainerConfig> & {
  readonly HostConfig: Partial<HostConfig>;
  /** By name of a network. */
  readonly NetworkingConfig?: { readonly EndpointsConfig: Readonly<Record<string, Partial<EndpointSettings>>> };
};

export type Filters = Readonly<Record<string, readonly string[]>>;

const at = (container: string, rest = ''): string => `/containers/${encodeURIComponent(container)}${rest}`;

export interface CreateOptions {
  readonly name?: string | undefined;
  readonly platform?: string | undefined;
}

export function createContainer(docker: Docker, body: CreateBody, options: CreateOptions = {}): Promise<CreateContainerResponse> {
  return docker.json('POST', '/containers/create', { body, query: { ...options } });
}

export async function startContainer(docker: Docker, container: string, detachKeys?: string): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/start'), { query: { detachKeys } }));
}

/** Left out: the container's own. */
export interface StopOptions {
  readonly signal?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
}

export async function stopContainer(docker: Docker, container: string, options: StopOptions = {}): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/stop'), { query: { signal: options.signal, t: options.timeoutSeconds } }));
}

export async function killContainer(docker: Docker, container: string, signal?: string): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/kill'), { query: { signal } }));
}

export async function pauseContainer(docker: Docker, container: string): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/pause')));
}

export async function unpauseContainer(docker: Docker, container: string): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/unpause')));
}

export async function restartContainer(docker: Docker, container: string, { signal, timeoutSeconds }: StopOptions): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/restart'), { query: { signal, t: timeoutSeconds } }));
}

export async function renameContainer(docker: Docker, container: string, name: string): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/rename'), { query: { name } }));
}

/** What `POST /containers/{id}/update` takes: what is left out stays as it is. */
export type UpdateBody = Partial<ContainerLimits> & {
  readonly RestartPolicy?: HostConfig['RestartPolicy'];
  /** Estiva's own: a dockerd does not know them. */
  readonly Publish?: PortBindings;
  readonly Unpublish?: PortBindings;
};

/** Resolves with the daemon's warnings. */
export async function updateContainer(docker: Docker, container: string, body: UpdateBody): Promise<readonly string[]> {
  const { Warnings } = await docker.json<{ readonly Warnings: readonly string[] | null }>('POST', at(container, '/update'), { body });
  return Warnings ?? [];
}

export interface Pruned {
  readonly ContainersDeleted: readonly string[] | null;
  readonly SpaceReclaimed: number;
}

export function pruneContainers(docker: Docker, filters: Filters): Promise<Pruned> {
  return docker.json('POST', '/containers/prune', { query: { filters: filtersText(filters) } });
}

/** `parent/alias` stands for a link: it alone goes. */
export async function removeLink(docker: Docker, path: string): Promise<void> {
  await textOf(await docker.call('DELETE', at(path), { query: { link: true } }));
}

export async function removeContainer(docker: Docker, container: string, options: { readonly force: boolean; readonly volumes: boolean }): Promise<void> {
  await textOf(await docker.call('DELETE', at(container), { query: { force: options.force, v: options.volumes } }));
}

export async function resizeContainer(docker: Docker, container: string, rows: number, columns: number): Promise<void> {
  await textOf(await docker.call('POST', at(container, '/resize'), { query: { h: rows, w: columns } }));
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/**
 * Begins to wait: resolves when the daemon has registered the wait (its head has come), with `exit` for the end. So `start` may be sent
 * afterwards without missing a short life.
 */
export async function beginWait(docker: Docker, container: string, condition: WaitCondition): Promise<{ readonly exit: Promise<WaitResponse> }> {
  const answer = await docker.call('POST', at(container, '/wait'), { query: { condition } });
  return { exit: waitResponse(answer) };
}

async function waitResponse(answer: Answer): Promise<WaitResponse> {
  let response: WaitResponse | undefined;
  await readJsonLines(answer, (value) => { response = value as WaitResponse; });
  if (response === undefined) throw new Error('The daemon closed the connection before the container ended');
  return response;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly logs?: boolean;
  readonly detachKeys?: string | undefined;
}

export function attachContainer(docker: Docker, container: string, options: AttachOptions): Promise<Hijacked> {
  return docker.hijack(at(container, '/attach'), { query: { ...options, stream: true } });
}

export interface ListOptions {
  readonly all: boolean;
  readonly limit?: number | undefined;
  readonly size?: boolean;
  readonly filters?: Filters;
}

export function listContainers(docker: Docker, options: ListOptions): Promise<readonly ContainerSummary[]> {
  return docker.json('GET', '/containers/json', { query: { all: options.all, limit: options.limit, size: options.size, filters: filtersText(options.filters) } });
}

/** Docker's JSON form of filters; nothing when there are none. */
export function filtersText(filters: Filters | undefined): string | undefined {
  if (filters === undefined || Object.keys(filters).length === 0) return undefined;
  const form = Object.entries(filters).map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))] as const);
  return JSON.stringify(Object.fromEntries(form));
}

export function inspectContainer(docker: Docker, container: string): Promise<ContainerInspect> {
  return docker.json('GET', at(container, '/json'));
}

/** Inspect as the daemon wrote it, for showing it unchanged. */
export async function inspectContainerText(docker: Docker, container: string, options: { readonly size?: boolean } = {}): Promise<string> {
  return textOf(await docker.call('GET', at(container, '/json'), { query: { size: options.size } }));
}

/** The processes of a container, as the host's `ps` with these arguments shows them. */
export function topContainer(docker: Docker, container: string, psArguments: string): Promise<TopResponse> {
  return docker.json('GET', at(container, '/top'), { query: { ps_args: psArguments } });
}

export interface LogsOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly details: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tail?: string | undefined;
}

/** The body is framed (demultiplexer) unless the container has a terminal. */
export function containerLogs(docker: Docker, container: string, options: LogsOptions): Promise<Answer> {
  return docker.call('GET', at(container, '/logs'), { query: { ...options } });
}

/** One step of a container's program, as Estiva's daemon explains it. */
export interface ExplainedStep {
  readonly call: string;
  readonly text: string;
  readonly why: string;
}

/** Estiva's own call: what happens between `start` and the user's program. A dockerd answers 404. */
export async function explainContainer(docker: Docker, container: string): Promise<readonly ExplainedStep[]> {
  const { steps } = await docker.json<{ readonly steps: readonly ExplainedStep[] }>('GET', at(container, '/estiva/explain'));
  return steps;
}
