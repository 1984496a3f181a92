// The exit code of a container that could not be started. The API has no field for it: Docker's clients read the daemon's sentence, and so
// the sentences are part of the protocol. 127: the command is not there. 126: it cannot be run. 125: anything else.
import { isDaemonError } from '../client/index.ts';

export function startFailureCode(error: unknown): number {
  if (!isDaemonError(error)) return 125;
  if (/executable file not found|no such file or directory|system cannot find the file specified/i.test(error.message)) return 127;
  if (/permission denied|is a directory|not a directory|exec format error/i.test(error.message)) return 126;
  return 125;
}
