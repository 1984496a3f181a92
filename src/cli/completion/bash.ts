// Bash: one function that finds the command among the words, then offers that command's words.
import { lister, type Completed } from './words.ts';

export function bashScript(program: string, all: readonly Completed[]): string {
  const groups = all.filter(({ path }) => path !== '' && all.some((other) => other.path.startsWith(`${path} `))).map(({ path }) => path);
  const cases = all.map(({ path, words, operands }) => {
    const listed = operands.map((kind) => `$(${lister(program, kind)})`).join(' ');
    return `    '${path}') words='${words.map(({ word }) => word).join(' ')}'${listed === '' ? '' : `; [[ $current == -* ]] || operands="${listed.replaceAll('"', '\\"').replaceAll('\\"{{', '"{{').replaceAll('}}\\"', '}}"')}"`} ;;`;
  });
  return `_${program}() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= words= operands= word at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    [[ $word == -* ]] && continue
    if [[ -z $path ]]; then path=$word; elif [[ $path == @(${groups.join('|')}) ]]; then path="$path $word"; else break; fi
  done
  case $path in
${cases.join('\n')}
  esac
  [[ $current == -* ]] || words="$operands $([[ $words == --* ]] || echo "$words")"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$current"
}
complete -o default -F _${program} ${program}`;
}
