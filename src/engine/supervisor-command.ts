// How the supervisor's program is started. Its file lies beside whoever opens an engine, as source or as bundle; that one says where.

/** It holds little and never computes: a small heap is enough. */
export function supervisorCommand(main: string, runDir: string): readonly string[] {
  return [process.execPath, '--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', main, runDir];
}
