import { quoted } from './guest-files.js';

/**
 * Shell text with two functions about the files that a template brings. `of_the_template PATH` succeeds for such a file and for directories that
 * one is in, by whatever way through symbolic links the two paths go. `drop PATH...` removes what is none of these.
 *
 * @param paths absolute paths of the files, as the template writes them
 */
export function keptFunctions(paths: readonly string[]): string {
  return `kept='
'
keep() {
  while [ -n "$1" ]; do
    kept="$kept$1
"
    set -- "\${1%/*}"
  done
}
place() {
  directory=$(cd -P -- "$(dirname -- "$1")" 2>/dev/null && pwd -P) || return 1
  printf '%s/%s\\n' "\${directory%/}" "\${1##*/}"
}
for path in ${paths.map(quoted).join(' ')}; do
  if real=$(place "$path"); then keep "$real"; fi
  # Where it is a link, the file at its end has the content.
  if real=$(readlink -f -- "$path"); then keep "$real"; fi
done
of_the_template() {
  real=$(place "$1") || return 1
  case $kept in
    *"
$real
"*) return 0 ;;
    *) return 1 ;;
  esac
}
drop() {
  for path do of_the_template "$path" || rm -rf -- "$path"; done
}
`;
}
