import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildError, isBuildError } from '@imagefactory/plugin-api';
import {
  type Condition,
  deleteImage,
  type DeletionOptions,
  DirectoryImageManager,
  ImageError,
  imageErrorCodes,
  type ImageKind,
  imageOf,
  type ImageRecord,
  imagesInWork,
  ImageSets,
  type Order,
  verifyImages as verify,
} from '@imagefactory/factory/images';
import { uploaderName } from '@imagefactory/factory/followers';
import { openStore, openStoreForReading, StoreError } from '@imagefactory/factory/store';
import { askAgent } from '../../runtime/local-door.js';
import { imageDirectory } from '../directories.js';
import { exitCodes } from '../exit-codes.js';
import { checkQuestion } from './fields.js';
import { describeImage } from './show.js';
import { waitingIn } from './waiting.js';
import { describeSize, oneLine, table } from './words.js';

export interface ImageFlags {
  readonly json?: true;
  readonly imgdir?: string;
}

export interface ListFlags extends ImageFlags {
  readonly kind?: ImageKind;
  readonly where: readonly Condition[];
  readonly sort?: Order;
  readonly limit?: number;
  readonly offset?: number;
}

export interface DeleteFlags extends ImageFlags {
  readonly withChildren?: true;
}

export interface VerifyFlags extends ImageFlags {
  readonly quick?: true;
}

/** Where a command says what; both end up as texts of whole lines. */
export interface Output {
  readonly write: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Prints the images that the flags ask for; gives the exit code. */
export function listImages(flags: ListFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const images = await open(flags, true);
    const kind: readonly Condition[] =
      flags.kind === undefined ? [] : [{ field: 'kind', operator: '=', value: flags.kind }];
    await checkQuestion(images, flags.where, flags.sort, text => output.complain(`imagefactory: ${text}\n`));
    const { items, total } = await images.query({
      where: [...kind, ...flags.where],
      ...(flags.sort === undefined ? {} : { sort: flags.sort }),
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
      ...(flags.offset === undefined ? {} : { offset: flags.offset }),
    });
    const problems = await images.problems();
    if (flags.json === true) {
      output.write(`${JSON.stringify({ total, images: items, problems })}\n`);
      return exitCodes.ok;
    }
    const head = ['IMAGE', 'KIND', 'FOR', 'STATUS', 'FORMAT', 'SIZE', 'CREATED'];
    output.write(table([head, ...items.map(rowOf)]));
    if (items.length < total) output.write(`${items.length} of ${total} images\n`);
    for (const { file, problem, remedy } of problems)
      output.complain(`imagefactory: ${file}: ${problem}; ${remedy}\n`);
    return exitCodes.ok;
  });
}

function rowOf(record: ImageRecord): readonly string[] {
  const text = (field: string): string => {
    const value = record[field];
    return typeof value === 'string' ? oneLine(value) : '';
  };
  const size = record['size'];
  return [
    record.identifier,
    record.type.replace('Image', '').toLowerCase(),
    text('target') + text('provider') || '-',
    record.status,
    text('format') || '-',
    typeof size === 'number' ? describeSize(size) : '-',
    record.created.replace(/\.\d+Z$/, 'Z'),
  ];
}

/** Prints one image; gives the exit code. */
export function showImage(identifier: string, flags: ImageFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const images = await open(flags, true);
    const image = await images.imageWithId(identifier);
    const { items } = await images.query({ where: { identifier } });
    const record = image === undefined ? items[0] : images.recordOf(image);
    if (record === undefined) throw notThere(identifier, images);
    const shown = image ?? imageOf(record, record.identifier);
    output.write(flags.json === true ? `${JSON.stringify(record)}\n` : describeImage(shown));
    return exitCodes.ok;
  });
}

/** Removes images, one after the other; gives the exit code. */
export function deleteImages(
  identifiers: readonly string[],
  flags: DeleteFlags,
  output: Output,
): Promise<number> {
  return answering(output, async () => {
    const images = await open(flags, false);
    const waiting = new Set((await waitingIn(images.directory)).map(({ id }) => id));
    const remove = await deletionIn(images, waiting);
    const deleted: string[] = [];
    const failed: { readonly image: string; readonly code: string; readonly problem: string }[] = [];
    for (const identifier of identifiers) {
      // It may have gone with its parent just now.
      if (deleted.includes(identifier)) continue;
      try {
        deleted.push(...(await remove.one(identifier, { withChildren: flags.withChildren === true })));
      } catch (error) {
        if (!isExpected(error)) throw error;
        failed.push({ image: identifier, code: error.code, problem: problemOf(error) });
      }
    }
    await remove.close();
    if (flags.json === true) output.write(`${JSON.stringify({ deleted, failed })}\n`);
    else {
      for (const identifier of deleted) output.write(`${identifier}: deleted\n`);
      for (const identifier of deleted) {
        if (waiting.has(identifier))
          output.complain(
            `imagefactory: ${identifier} had not reached the warehouse yet, and is not sent there any more\n`,
          );
      }
      for (const { problem } of failed) output.complain(`imagefactory: ${problem}\n`);
    }
    return failed.length === 0 ? exitCodes.ok : exitCodes.failed;
  });
}

interface Deletion {
  readonly one: (id: string, options: DeletionOptions) => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** Deletes by way of the store of the directory, if it has one. @throws StoreError `in_use` */
async function deletionIn(images: DirectoryImageManager, waiting: ReadonlySet<string>): Promise<Deletion> {
  const directory = join(images.directory, 'store');
  if (!(await isDirectory(directory))) {
    return {
      one: (id, options) => images.deleteImageWithId(id, options),
      close: () => Promise.resolve(),
    };
  }
  const store = await openStore(directory).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === 'in_use') return undefined;
    throw error;
  });
  if (store === undefined)
    return { one: (id, options) => askedFor(id, options, directory), close: () => Promise.resolve() };
  const hasWarehouse = (await store.get('followers', uploaderName)) !== undefined;
  const isElsewhere = (id: string): boolean => hasWarehouse && !waiting.has(id);
  const context = { images, store, sets: new ImageSets(store), isElsewhere };
  return {
    one: (id, options) => deleteImage(id, options, context),
    close: () => store.close(),
  };
}

/** Has the agent that is at work in the directory delete an image. */
async function askedFor(
  id: string,
  { withChildren = false }: DeletionOptions,
  directory: string,
): Promise<readonly string[]> {
  const answer = await askAgent(directory, { delete: id, withChildren }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      'in_use',
      `another process has ${directory} open, and it does not delete ${id}: ${why}; stop it, or try again`,
    );
  });
  if ('deleted' in answer) return answer.deleted;
  const { code, message } = answer.error;
  const known = imageErrorCodes.find(one => one === code);
  throw known === undefined ? new StoreError('write_failed', message) : new ImageError(known, message);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** Looks for damage; gives the exit code. */
export function verifyStore(
  identifier: string | undefined,
  flags: VerifyFlags,
  output: Output,
): Promise<number> {
  return answering(output, async () => {
    const images = await open(flags, true);
    const report = await verify(images, {
      ...(identifier === undefined ? {} : { identifier }),
      quick: flags.quick === true,
    });
    if (report.images === 0 && report.problems.length === 0 && identifier !== undefined)
      throw notThere(identifier, images);
    if (flags.json === true) output.write(`${JSON.stringify(report)}\n`);
    else {
      for (const { file, kind, problem, remedy } of report.problems)
        output.write(`${file}: ${problem}; ${remedy} [${kind}]\n`);
      const found = report.problems.length === 0 ? 'nothing is wrong' : `${report.problems.length} problems`;
      output.write(`${report.images} ${report.images === 1 ? 'image' : 'images'}: ${found}\n`);
    }
    return report.problems.length === 0 ? exitCodes.ok : exitCodes.damaged;
  });
}

/** Prints what has not reached the warehouse yet, in its order; gives the exit code. */
export function listWaiting(flags: ImageFlags, output: Output): Promise<number> {
  return answering(output, async () => {
    const { directory } = await open(flags, true);
    const waiting = await waitingIn(directory);
    if (flags.json === true) output.write(`${JSON.stringify({ waiting })}\n`);
    else if (waiting.length === 0) output.write('nothing waits for the warehouse\n');
    else {
      output.write(
        table([['WAITS FOR THE WAREHOUSE', 'UUID'], ...waiting.map(({ kind, id }) => [kind, id])]),
      );
      output.write(
        `${waiting.length} in all; the agent sends them by itself, and its log tells what keeps it from that\n`,
      );
    }
    return exitCodes.ok;
  });
}

async function open({ imgdir }: ImageFlags, readOnly: boolean): Promise<DirectoryImageManager> {
  const directory = await imageDirectory(imgdir);
  // The usual one need not be there yet; one that is named and is not there is a slip of the pen, and must not be made.
  if (imgdir !== undefined && !(await isDirectory(directory))) {
    throw new ImageError('not_found', `${directory} is no directory; name the --imgdir of the agent`);
  }
  const inWork = (): Promise<readonly ImageRecord[]> => inWorkIn(join(directory, 'store'));
  return DirectoryImageManager.open(directory, { readOnly, inWork });
}

/** The images that an agent is making. An agent may have the store open meanwhile. @throws StoreError */
async function inWorkIn(directory: string): Promise<readonly ImageRecord[]> {
  if (!(await isDirectory(directory))) return [];
  const store = openStoreForReading(directory);
  return await imagesInWork(store).finally(() => store.close());
}

/** With the option that helps, which whoever keeps images does not know. */
function problemOf({ code, message }: ImageError | BuildError | StoreError): string {
  return code === 'has_children' ? `${message} (--with-children)` : message;
}

function notThere(identifier: string, { directory }: DirectoryImageManager): ImageError {
  return new ImageError('not_found', `there is no image ${oneLine(identifier)} in ${directory}`);
}

async function answering(output: Output, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
    output.complain(`imagefactory: ${error.message}\n`);
    return exitCodes.failed;
  }
}

function isExpected(error: unknown): error is ImageError | BuildError | StoreError {
  return error instanceof ImageError || isBuildError(error) || error instanceof StoreError;
}
