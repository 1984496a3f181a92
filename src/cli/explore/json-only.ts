// `--format` of commands whose answer is one thing: words, or JSON.
import { flag, FlagError } from '../flags.ts';

export const jsonOnly = flag.value('', 'string', "'json' instead of words", (text) => {
  if (text !== 'json') throw new FlagError(`only "json" is known here, not ${JSON.stringify(text)}`);
  return text;
});
