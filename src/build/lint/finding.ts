// What lint finds: a rule, the place, and the sentence about it.
import type { LineRange } from '../../spec/dockerfile/index.ts';
import type { RuleName } from './rules.ts';

export interface Finding {
  readonly rule: RuleName;
  readonly detail: string;
  readonly lines: LineRange;
  /** The comments above the instruction: one of them may skip the rule. */
  readonly comments: readonly string[];
}

/** Where a finding is: an instruction, or a line. */
export interface Place {
  readonly lines: LineRange;
  readonly comments?: readonly string[];
}

export function finding(rule: RuleName, { lines, comments = [] }: Place, detail: string): Finding {
  return { rule, detail, lines, comments };
}
