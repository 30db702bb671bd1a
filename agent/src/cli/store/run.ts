import { join, resolve } from 'node:path';
import { checkFactory, rebuildStore as rebuild } from '@imagefactory/factory/maintenance';
import { openStoreForReading, restoreStore as restore, StoreError } from '@imagefactory/factory/store';
import { imageDirectory } from '../directories.js';
import { exitCodes } from '../exit-codes.js';
import { oneLine } from '../image/words.js';

export interface StoreFlags {
  readonly json?: true;
  readonly imgdir?: string;
}

interface Output {
  /** Standard output. */
  readonly write: (text: string) => void;
  /** Standard error. */
  readonly complain: (text: string) => void;
}

/** Prints the disagreements; gives the exit code. */
export function checkStore(flags: StoreFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const directory = await imageDirectory(flags.imgdir);
    const store = openStoreForReading(join(directory, 'store'));
    const problems = await checkFactory(directory, store).finally(() => store.close());
    print(flags, output, { problems }, () => [
      ...problems.map(({ problem, remedy }) => `${oneLine(problem)}; ${oneLine(remedy)}`),
      problems.length === 0 ? 'no disagreements' : `${problems.length} found`,
    ]);
    return problems.length === 0 ? exitCodes.ok : exitCodes.damaged;
  });
}

/** Prints the outcome; gives the exit code. */
export function rebuildStore(flags: StoreFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const report = await rebuild(await imageDirectory(flags.imgdir));
    const { aside, images, imageSets, lost, templates } = report;
    print(flags, output, report, () => [
      `${images} images, ${imageSets} image sets and ${templates} templates are in the new database`,
      ...(aside === undefined ? [] : [`the old one is ${aside}`]),
      ...lost.map(line => `lost: ${oneLine(line)}`),
    ]);
    return exitCodes.ok;
  });
}

/** Gives the exit code. */
export function backUpStore(file: string, flags: StoreFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const path = resolve(file);
    const store = openStoreForReading(join(await imageDirectory(flags.imgdir), 'store'));
    await store.backup(path).finally(() => store.close());
    print(flags, output, { backup: path }, () => [
      `the database is in ${path}; it has no secrets, and the files of the images are not in it`,
    ]);
    return exitCodes.ok;
  });
}

/** Gives the exit code. */
export function restoreStore(file: string, flags: StoreFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const directory = join(await imageDirectory(flags.imgdir), 'store');
    const aside = await restore(directory, resolve(file));
    print(flags, output, { ...(aside === undefined ? {} : { aside }) }, () => [
      `${file} is the database now${aside === undefined ? '' : `; the old one is ${aside}`}`,
      'jobs that ended since the backup may begin again; compare it with the files: imagefactory store check',
    ]);
    return exitCodes.ok;
  });
}

function print(flags: StoreFlags, { write }: Output, value: object, lines: () => readonly string[]): void {
  write(
    flags.json === true
      ? `${JSON.stringify(value)}\n`
      : lines()
          .map(line => `${line}\n`)
          .join(''),
  );
}

async function answering(output: Output, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    output.complain(`imagefactory: ${error.message}\n`);
    return exitCodes.failed;
  }
}
