import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BodyOptions, readBody } from './body.js';
import type { DirectoryImageManager } from './directory-image-manager.js';
import { unlessMissing } from './directory-index.js';
import { filesOf } from './image-files.js';
import type { ImageRecord } from './image-record.js';
import { findLeftovers } from './leftovers.js';

export const imageProblemKinds = [
  'corrupt_metadata',
  'body_missing',
  'body_changed',
  'dangling_reference',
  'leftover',
] as const;
export type ImageProblemKind = (typeof imageProblemKinds)[number];

/** Something that is wrong in a directory of images. */
export interface ImageProblem {
  readonly kind: ImageProblemKind;
  /** The image that it is about, where that is known. */
  readonly identifier?: string;
  /** Absolute path. */
  readonly file: string;
  /** One line. */
  readonly problem: string;
  readonly remedy: string;
}

export interface VerifyReport {
  /** Images that were looked at. */
  readonly images: number;
  readonly problems: readonly ImageProblem[];
}

export interface VerifyOptions extends BodyOptions {
  /** Only this image. */
  readonly identifier?: string;
  /** Compare sizes alone, without reading the bodies; default false. */
  readonly quick?: boolean;
}

/** Compares every body with its digest, every reference with what is there, and looks for files that belong to nothing. */
export async function verifyImages(
  manager: DirectoryImageManager,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { identifier } = options;
  const where = identifier === undefined ? {} : { where: { identifier } };
  const { items, total } = await manager.query(where);
  const problems: ImageProblem[] = (await manager.problems())
    .filter(problem => identifier === undefined || problem.identifier === identifier)
    .map(problem => ({ kind: 'corrupt_metadata', ...problem }));
  for (const record of items) {
    problems.push(...(await bodyProblems(manager.directory, record, options)));
    problems.push(...(await referenceProblems(manager, record)));
  }
  if (identifier === undefined) problems.push(...(await leftoverProblems(manager.directory)));
  return { images: total, problems };
}

async function bodyProblems(
  directory: string,
  record: ImageRecord,
  options: VerifyOptions,
): Promise<readonly ImageProblem[]> {
  const { identifier, size, sha256 } = record;
  // Without a digest the body is in the making, or there is none to be had.
  if (typeof sha256 !== 'string' || typeof size !== 'number') return [];
  const file = filesOf(directory, identifier).body;
  const about = { identifier, file };
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) {
    const remedy = `restore it from a backup, or remove the image: imagefactory image delete ${identifier}`;
    return [{ kind: 'body_missing', ...about, problem: 'the body is not there', remedy }];
  }
  const remedy = `restore it from a backup, or build the image anew`;
  if (found.size !== size) {
    const problem = `the body has ${found.size} bytes instead of ${size}`;
    return [{ kind: 'body_changed', ...about, problem, remedy }];
  }
  if (options.quick === true || (await readBody(file, options)).sha256 === sha256) return [];
  return [{ kind: 'body_changed', ...about, problem: "the body's SHA-256 is not the recorded one", remedy }];
}

async function referenceProblems(
  manager: DirectoryImageManager,
  record: ImageRecord,
): Promise<readonly ImageProblem[]> {
  const { identifier } = record;
  const problems: ImageProblem[] = [];
  for (const [field, what] of [
    ['base_image_id', 'base image'],
    ['target_image_id', 'target image'],
  ] as const) {
    const parent = record[field];
    if (typeof parent !== 'string') continue;
    if ((await manager.query({ where: { identifier: parent }, limit: 1 })).total > 0) continue;
    problems.push({
      kind: 'dangling_reference',
      identifier,
      file: filesOf(manager.directory, identifier).meta,
      problem: `the ${what} ${parent} that it was made from is not in the store`,
      remedy: 'nothing, unless it is to be built anew from there: the image itself is complete',
    });
  }
  return problems;
}

async function leftoverProblems(directory: string): Promise<readonly ImageProblem[]> {
  const names = await findLeftovers(directory, new Set(await readdir(directory).catch(unlessMissing)));
  return names.map(name => ({
    kind: 'leftover',
    file: join(directory, name),
    problem: 'a process that was killed has left it',
    remedy: 'nothing: the next start of the agent removes it',
  }));
}
