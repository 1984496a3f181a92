// Lists that come with commas as well as by repeating the flag.
import { flag, type Flag } from './flags.ts';

export function commaList(name: string, help: string): Flag<readonly (readonly string[])[]> {
  return flag.list('', name, help, (text) => text.split(','));
}
