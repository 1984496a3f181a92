// `--change`: the instructions of a Dockerfile that alter an image's configuration and nothing else. Variables are those of the image.
import { signalNumber } from '../kernel/index.ts';
import { configure, defaultShell, exposedPorts, parseChanges, replaceVariables, wrong } from '../spec/dockerfile/index.ts';
import type { ImageRunConfig } from '../spec/oci/image.ts';

const keywords = ['CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'ONBUILD', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'];

/** @throws `invalid` for anything that is not one of the instructions, rightly written. */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  const text = changes.join('\n');
  if (text.trim() === '') return config;
  let hasOwnCommand = false;
  return parseChanges(text, keywords).reduce((before, written) => {
    const { instruction } = replaceVariables(written, (name) => valueIn(before, name), '\\', new Set());
    if (instruction.kind === 'STOPSIGNAL' && signalNumber(instruction.signal) === undefined) throw wrong(`invalid signal: ${instruction.signal}`, 'Write its name or its number: SIGTERM, 15');
    const ports = instruction.kind === 'EXPOSE' ? instruction.ports.flatMap(exposedPorts) : [];
    const after = configure(instruction, before, { shell: before.Shell ?? defaultShell, ports, hasOwnCommand });
    if (instruction.kind === 'CMD') hasOwnCommand = true;
    return after ?? before;
  }, config);
}

function valueIn({ Env: variables = [] }: ImageRunConfig, name: string): string | undefined {
  return variables.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}
