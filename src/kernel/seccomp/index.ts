// Seccomp: from a profile to the filter that the kernel runs before each system call.
export { asksAgent, compileSeccomp, seccompFlags } from './compile.ts';
export { interpret } from './interpret.ts';
export { describeVerdict } from './verdict.ts';
