import { stat } from 'node:fs/promises';
import { BuildError } from '@imagefactory/plugin-api';
import { isInputError, readFileBytes, readStreamBytes } from '@imagefactory/text';
import { DirectoryStore } from '@imagefactory/factory/images';
import {
  createFetcher,
  defaultTemplateLimit,
  imageTemplates,
  type TemplateSource,
  type TemplateSources,
} from '@imagefactory/factory/templates';
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
  const options = { name: path === '-' ? 'standard input' : path, limit: defaultTemplateLimit };
  try {
    return await (path === '-' ? readStreamBytes(process.stdin, options) : readFileBytes(path, options));
  } catch (error) {
    if (!isInputError(error)) throw error;
    throw new BuildError('template_unavailable', error.message, { cause: error });
  }
}
