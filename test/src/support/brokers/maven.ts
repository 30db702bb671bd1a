import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../lane.js';
import { Program, projectRoot } from '../program.js';
import { cachePlace, isFilled } from './cache.js';

export interface JavaProgram {
  readonly java: string;
  readonly classPath: string;
  /** For people: the broker and its version. */
  readonly what: string;
}

/**
 * The jars that `test/brokers/<name>/pom.xml` asks for, fetched by Maven into the user's cache and kept there as long as the
 * file stays the same; or why they cannot be had.
 */
export async function fromMaven(name: string): Promise<JavaProgram | string> {
  const java = await findProgram('java');
  if (java === undefined) return 'no java is on the PATH (17 or later is needed)';
  const pom = join(projectRoot, 'test/brokers', name, 'pom.xml');
  const text = await readFile(pom, 'utf8');
  const version = /<(?:qpid|artemis)\.version>([^<]+)</.exec(text)?.[1] ?? '';
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const directory = cachePlace(`${name}-${digest}`);
  const result = { java, classPath: join(directory, '*'), what: `${name} ${version} from Maven` };
  if (await isFilled(directory)) return result;

  const maven = await findProgram('mvn');
  if (maven === undefined) return `no mvn is on the PATH to fetch ${name} with`;
  // Into a directory of its own first: one that is there must be complete.
  const unfinished = `${directory}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  const run = await Program.run(
    maven,
    [
      ...['-B', '-q', '-f', pom, 'dependency:copy-dependencies'],
      ...[`-DoutputDirectory=${unfinished}`, '-DincludeScope=runtime'],
    ],
    { timeout: 300_000 },
  );
  if (run.status !== 0) {
    await rm(unfinished, { recursive: true, force: true });
    const reason = run.output.split('\n').find(line => line.includes('ERROR')) ?? `exit ${run.status}`;
    return `mvn could not fetch ${name}: ${reason.trim()}`;
  }
  await rename(unfinished, directory).catch(async (error: unknown) => {
    if (!(await isFilled(directory))) throw error;
    await rm(unfinished, { recursive: true, force: true }); // another run was quicker
  });
  return result;
}
