/**
 * Shell text that copies programs of this machine with their libraries into the tree `$tree`, whose `/usr/bin` is there.
 *
 * @param programs names, or absolute paths of files that are no programs on the search path
 */
export function copyPrograms(programs: readonly string[]): string {
  return `for name in ${programs.join(' ')}; do
  case "$name" in
    /*) path=$name target=$tree$name ;;
    *)
      path=$(command -v "$name" || true)
      case "$path" in /*) ;; *) path=/usr/bin/$name; [ -e "$path" ] || path=/usr/sbin/$name ;; esac
      target=$tree/usr/bin/$name
      ;;
  esac
  mkdir -p "$(dirname "$target")"
  cp -L "$path" "$target"
  { ldd "$path" 2>/dev/null || true; } | sed -n 's/.*[[:space:]]\\(\\/[^ ]*\\) (0x.*/\\1/p' | while read -r library; do
    place=$tree/usr\${library#/usr}
    [ -e "$place" ] || { mkdir -p "$(dirname "$place")"; cp -L "$library" "$place"; }
  done
done
`;
}
