// Zsh: a function of its own completion system, with what each word means beside it.
import { lister, type Completed } from './words.ts';

export function zshScript(program: string, all: readonly Completed[]): string {
  const groups = all.filter(({ path }) => path !== '' && all.some((other) => other.path.startsWith(`${path} `))).map(({ path }) => path);
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const cases = all.map(({ path, words, operands }) => {
    const described = words.map(({ word, what }) => quoted(`${word}:${what.replaceAll(':', '\\:')}`)).join(' ');
    const listed = operands.map((kind) => `; operands+=(\${(f)"$(${lister(program, kind).replaceAll('"', "'")})"})`).join('');
    return `    ${quoted(path)}) words_here=(${described})${listed} ;;`;
  });
  return `#compdef ${program}
_${program}() {
  local path_here= word
  local -a words_here operands
  for word in \${words[2,CURRENT-1]}; do
    [[ $word == -* ]] && continue
    if [[ -z $path_here ]]; then path_here=$word; elif [[ $path_here == (${groups.join('|')}) ]]; then path_here="$path_here $word"; else break; fi
  done
  case $path_here in
${cases.join('\n')}
  esac
  if [[ $words_here[1] == --* && $PREFIX != -* ]]; then
    (( $#operands )) && compadd -a operands || _files
  else
    _describe '${program}' words_here
  fi
}
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi`;
}
