import { BuildError } from '@imagefactory/plugin-api';
import { shownUrl } from '@imagefactory/text';
import { defaultTemplateLimit } from '../limits.js';
import { quoted } from '../position.js';
import { decodeTemplate } from '../read-template.js';
import type { Fetcher } from './fetch.js';

/** A template as a store has it. */
export interface StoredTemplate {
  readonly text: string;
  /** Set when passwords were taken out before it was stored, so that nothing can be built from it. */
  readonly passwordsRemoved?: boolean;
  /** Set when the uuid is that of an image which was made from it. */
  readonly ofImage?: boolean;
}

export interface LookupOptions {
  readonly signal?: AbortSignal;
  /** For whom: callers with large templates take turns. Default: all who do not say. */
  readonly caller?: string;
}

/** Where templates can be found by uuid: stored ones, or those that images were built from. */
export interface TemplateSource {
  /** The template of that uuid, in lower case; undefined when there is none. */
  lookup(uuid: string, options: LookupOptions): Promise<StoredTemplate | undefined>;
}

/** The first source that has the template. */
export function firstOf(sources: readonly TemplateSource[]): TemplateSource {
  return {
    async lookup(uuid, options) {
      for (const source of sources) {
        const found = await source.lookup(uuid, options);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** The ways in which a caller may name a template, beside giving its text. What is not there is not taken. */
export interface TemplateSources {
  readonly store?: TemplateSource;
  readonly fetch?: Fetcher;
  /** For callers on this machine only: nobody else must be able to read its files. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
}

export interface ResolveOptions extends LookupOptions {
  /** Bytes that a template may have; default 2 MiB. */
  readonly limit?: number;
  /** The template is only looked at, so one whose passwords were taken out will do; default false. */
  readonly onlyToLook?: boolean;
}

/** How a template was named; `uuid` by its own, `image` by that of an image which was made from it. */
export type TemplateOrigin = 'text' | 'uuid' | 'image' | 'url' | 'file';

export interface ResolvedTemplate {
  /** TDL text; nothing has been checked in it. */
  readonly text: string;
  readonly origin: TemplateOrigin;
}

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The text of the template that a caller names: the text itself, the uuid of a stored template or of an image, an http or https
 * URL, or a path where the caller is local.
 *
 * @throws BuildError `template_invalid` for what is none of the forms, `template_unavailable` for what is not there
 */
export async function resolveTemplate(
  reference: string,
  sources: TemplateSources,
  options: ResolveOptions = {},
): Promise<ResolvedTemplate> {
  const { limit = defaultTemplateLimit } = options;
  const word = reference.trim();
  switch (formOf(word)) {
    case 'text':
      return { text: reference, origin: 'text' };
    case 'uuid': {
      if (sources.store === undefined) break;
      const { text, ofImage } = await lookUp(word.toLowerCase(), sources.store, options);
      return { text, origin: ofImage === true ? 'image' : 'uuid' };
    }
    case 'url': {
      if (sources.fetch === undefined) break;
      return { text: decodeTemplate(await sources.fetch(word, { ...options, limit })), origin: 'url' };
    }
    case 'other': {
      if (sources.readFile === undefined || word === '') break;
      return { text: decodeTemplate(await sources.readFile(reference), limit), origin: 'file' };
    }
  }
  const forms = formsOf(sources);
  const given = word === '' ? 'it is empty' : `${quoted(withoutPassword(word))} is no template`;
  throw new BuildError('template_invalid', `${given}; give ${forms}`);
}

/** @param start without blanks around, of which a byte order mark is one */
function formOf(start: string): 'text' | 'uuid' | 'url' | 'other' {
  if (start.startsWith('<')) return 'text';
  if (/^https?:\/\//i.test(start)) return 'url';
  return uuidForm.test(start) ? 'uuid' : 'other';
}

/** The forms that are taken, as part of a sentence. */
function formsOf({ store, fetch, readFile }: TemplateSources): string {
  const forms = [
    'TDL text (<template>…</template>)',
    ...(store === undefined ? [] : ['the uuid of a stored template or of an image']),
    ...(fetch === undefined ? [] : ['an http or https URL']),
    ...(readFile === undefined ? [] : ['the path of a file']),
  ];
  return forms.length === 1 ? forms.join('') : `${forms.slice(0, -1).join(', ')} or ${forms.at(-1) ?? ''}`;
}

async function lookUp(
  uuid: string,
  store: TemplateSource,
  { signal, onlyToLook = false }: ResolveOptions,
): Promise<StoredTemplate> {
  const found = await store.lookup(uuid, signal === undefined ? {} : { signal });
  if (found === undefined) {
    throw new BuildError('template_unavailable', `neither a template nor an image has the uuid ${uuid}`);
  }
  if (found.passwordsRemoved === true && !onlyToLook) {
    throw new BuildError(
      'template_unavailable',
      `the template of ${uuid} was kept without its passwords; give its text, passwords included`,
    );
  }
  return found;
}

function withoutPassword(text: string): string {
  return text.includes('@') ? shownUrl(text) : text;
}
