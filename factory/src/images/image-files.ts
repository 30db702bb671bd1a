import { join } from 'node:path';
import { isImageIdentifier } from './persistent-image.js';

/** The files of one image in its directory. */
export interface ImageFiles {
  /** JSON; an image is there exactly when this file is. */
  readonly meta: string;
  readonly body: string;
  /** Held while somebody changes any of the others. */
  readonly lock: string;
  /** Names the process that works on an image which is PENDING, BUILDING or DELETING. */
  readonly busy: string;
}

export function filesOf(directory: string, identifier: string): ImageFiles {
  const path = (suffix: string): string => join(directory, `${identifier}.${suffix}`);
  return { meta: path('meta'), body: path('body'), lock: path('lock'), busy: path('busy') };
}

/** Further documents about an image, by the end of their file's name. */
export const attachments = { cyclonedx: 'cdx.json' } as const;
export type AttachmentKind = keyof typeof attachments;

export const attachmentSuffixes: readonly string[] = Object.values(attachments);

export function attachmentPath(directory: string, identifier: string, kind: AttachmentKind): string {
  return join(directory, `${identifier}.${attachments[kind]}`);
}

/** The log of the build that has made the image of that name, or was to make it. */
export function buildLogPath(directory: string, identifier: string): string {
  return join(directory, `${identifier}.log`);
}

/** The image that a file is about, and what it is of it; undefined for files that are none of an image's. */
export function partsOfName(
  name: string,
): { readonly identifier: string; readonly suffix: string } | undefined {
  const identifier = name.slice(0, 36);
  if (name[36] !== '.' || !isImageIdentifier(identifier)) return undefined;
  return { identifier, suffix: name.slice(37) };
}
