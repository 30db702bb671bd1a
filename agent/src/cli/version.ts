import { createRequire } from 'node:module';

/** Version of this package. */
export function packageVersion(): string {
  // Our own package.json, two directories up from dist/cli/, always has one.
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  return version;
}
