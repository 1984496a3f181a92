// Execs: a second program in a running container.
import type { ExecConfig } from '../spec/docker/container.ts';
import type { CreateExecResponse, ExecInspect } from '../spec/docker/container-view.ts';
import { textOf, type Docker, type Hijacked } from './docker.ts';

export async function createExec(docker: Docker, container: string, config: ExecConfig): Promise<string> {
  const { Id } = await docker.json<CreateExecResponse>('POST', `/containers/${encodeURIComponent(container)}/exec`, { body: config });
  return Id;
}

export interface ExecStart {
  readonly tty: boolean;
  readonly consoleSize?: readonly [height: number, width: number] | undefined;
}

/** Starts it and takes its streams. */
export function startExec(docker: Docker, exec: string, { tty, consoleSize }: ExecStart): Promise<Hijacked> {
  return docker.hijack(`/exec/${exec}/start`, { body: { Detach: false, Tty: tty, ConsoleSize: consoleSize } });
}

export async function startExecDetached(docker: Docker, exec: string, { tty }: ExecStart): Promise<void> {
  await textOf(await docker.call('POST', `/exec/${exec}/start`, { body: { Detach: true, Tty: tty } }));
}

export async function resizeExec(docker: Docker, exec: string, rows: number, columns: number): Promise<void> {
  await textOf(await docker.call('POST', `/exec/${exec}/resize`, { query: { h: rows, w: columns } }));
}

export function inspectExec(docker: Docker, exec: string): Promise<ExecInspect> {
  return docker.json('GET', `/exec/${exec}/json`);
}
