import { existsSync } from 'node:fs';

/** The path itself, or the first of `PATH.2`, `PATH.3` … at which nothing is. */
export function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? path : `${path}.${number}`;
    if (!existsSync(name)) return name;
  }
}
