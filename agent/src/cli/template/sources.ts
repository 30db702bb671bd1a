import { readFile, stat } from 'node:fs/promises';
import { BuildError } from '@imagefactory/plugin-api';
import { errorCode } from '../../files/error-code.js';
import { DirectoryStore } from '../../images/index.js';
import {
  createFetcher,
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
    return path === '-' ? await readStandardInput() : await readFile(path);
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

async function readStandardInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const input: AsyncIterable<Buffer> = process.stdin;
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}
