// Signals that reach the command line go to the container's program, as if it had been started here.

/** Not SIGKILL and SIGSTOP (cannot be caught), SIGCHLD, SIGPIPE and SIGURG (Node's own affairs), SIGWINCH (becomes a resize). */
const proxied = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGCONT', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;

/** Gives every signal's name without SIG to `send` until disposed. A signal that the daemon refuses (the container has ended) is dropped. */
export function proxySignals(send: (signal: string) => Promise<void>): Disposable {
  const listeners = proxied.map((signal) => {
    const listener = (): void => { send(signal.slice(3)).catch(() => undefined); };
    process.on(signal, listener);
    return [signal, listener] as const;
  });
  return { [Symbol.dispose]: () => { for (const [signal, listener] of listeners) process.off(signal, listener); } };
}
