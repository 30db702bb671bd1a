import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { BuildError } from '@imagefactory/plugin-api';
import { errorCode } from '../../files/error-code.js';
import { DirectoryStore } from '../../images/index.js';
import {
  createFetcher,
  defaultTemplateLimit,
  imageTemplates,
  type TemplateSource,
  type TemplateSources,
} from '../../templates/index.js';
import { imageDirectory } from '../directories.js';

/** What a template on the command line may be: whoever types it may read files and reach private addresses anyway. */
export function localSources(imgdir: string | undefined): TemplateSources {
  return {
    store: imagesOf(imgdir),
    fetch: createFetcher({ allowPrivateAddresses: true }),
    readFile: readTemplateFile,
  };
}

function imagesOf(imgdir: string | undefined): TemplateSource {
  return {
    async lookup(uuid, options) {
      const directory = await imageDirectory(imgdir);
      // Looking must not make the directory.
      const there = await stat(directory).catch(() => undefined);
      if (there?.isDirectory() !== true) return undefined;
      return imageTemplates(await DirectoryStore.open(directory, { readOnly: true })).lookup(uuid, options);
    },
  };
}

async function readTemplateFile(path: string): Promise<Uint8Array> {
  try {
    return await readBounded(path === '-' ? process.stdin : createReadStream(path));
  } catch (error) {
    const code = errorCode(error);
    const reason = code === undefined ? undefined : reasons[code];
    throw new BuildError('template_unavailable', `${path}: ${reason ?? String(error)}`, { cause: error });
  }
}

const reasons: Readonly<Partial<Record<string, string>>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a directory',
};

/** A byte more than a template may have is enough to refuse it: what is named may be a device that never ends. */
async function readBounded(input: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const pieces: AsyncIterable<Buffer> = input;
  for await (const chunk of pieces) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > defaultTemplateLimit) break;
  }
  return Buffer.concat(chunks);
}
