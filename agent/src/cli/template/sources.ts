import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { BuildError } from '@imagefactory/plugin-api';
import { readProblem } from '../../files/read-problem.js';
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
    throw new BuildError('template_unavailable', `${path}: ${readProblem(error)}`, { cause: error });
  }
}

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
