import { BuildError, type Template } from '@imagefactory/plugin-api';
import { shownUrl } from '@imagefactory/text';
import { remoteUrls, type TdlCommand, type TdlTemplate, withContents } from '../model.js';
import { TemplateError } from '../problems.js';
import { decodeScript } from '../read/commands.js';
import { isSmall, readElsewhere } from '../read-elsewhere.js';
import { readShown, type ShownReading } from '../read-shown.js';
import { urlPassword } from '../secrets.js';
import {
  type ResolveOptions,
  resolveTemplate,
  type TemplateOrigin,
  type TemplateSources,
} from './resolve-template.js';

export interface LoadedTemplate {
  /** TDL text. */
  readonly text: string;
  /** The same for people's eyes, without passwords. */
  readonly shown: string;
  /** With the content that it names by URL. */
  readonly template: Template;
  readonly origin: TemplateOrigin;
  /** Passwords in the URLs of that content, which the template itself no longer has. */
  readonly secrets: readonly string[];
}

export interface LoadOptions extends ResolveOptions {
  /** Bytes of content that a template may name by URL, all together; default 16 MiB. */
  readonly contentLimit?: number;
  /** Milliseconds that all of it may take; default 30 000. */
  readonly timeout?: number;
}

/** URLs that one template may name for content. */
const urlLimit = 20;

/**
 * Finds the template that a caller names, checks it, and fetches the content that it names by URL (`type="url"`).
 *
 * @throws TemplateError for a template with errors, OverQuota when too many large ones wait, and what {@link resolveTemplate} throws
 */
export async function loadTemplate(
  reference: string,
  sources: TemplateSources,
  options: LoadOptions = {},
): Promise<LoadedTemplate> {
  const limit = options.limit === undefined ? {} : { limit: options.limit };
  let deadline: AbortSignal | undefined;
  const { caller } = options;
  const waiting = {
    ...limit,
    ...(caller === undefined ? {} : { caller }),
    // Made when there is something to wait for: most templates come as text.
    get signal() {
      return (deadline ??= deadlineOf(options));
    },
  };
  const { text, origin } = await resolveTemplate(reference, sources, waiting);
  const { template: parsed, shown } = await parseElsewhere(text, options, waiting);
  const contents = await fetchContents(parsed, sources, options.contentLimit ?? 16 * 1024 * 1024, waiting);
  const secrets = remoteUrls(parsed)
    .flatMap(urlPassword)
    .filter(secret => secret !== '');
  return {
    text,
    shown,
    origin,
    secrets,
    template: withContents(parsed, url => contents.get(url), fetchedScript),
  };
}

async function parseElsewhere(
  text: string,
  { limit, caller }: LoadOptions,
  waiting: { readonly signal: AbortSignal },
): Promise<ShownReading & { readonly valid: true }> {
  const limits = limit === undefined ? {} : { limits: { bytes: limit } };
  const forCaller = caller === undefined ? {} : { caller };
  const options = { form: 'build', ...limits, ...forCaller } as const;
  const reading = isSmall(text)
    ? readShown(text, options)
    : await readElsewhere(text, { ...options, signal: waiting.signal });
  if (!reading.valid) throw new TemplateError(reading.problems);
  return reading;
}

function deadlineOf({ signal, timeout = 30_000 }: LoadOptions): AbortSignal {
  const late = AbortSignal.timeout(timeout);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

async function fetchContents(
  template: TdlTemplate,
  { fetch }: TemplateSources,
  limit: number,
  waiting: { readonly signal: AbortSignal },
): Promise<{ get(url: string): Uint8Array }> {
  const contents = new Map<string, Uint8Array>();
  const urls = new Set(remoteUrls(template));
  if (urls.size > urlLimit) {
    throw new BuildError(
      'template_invalid',
      `the template names ${urls.size} files or commands by URL; at most ${urlLimit} are fetched, so pack some together`,
    );
  }
  let left = limit;
  for (const url of urls) {
    if (fetch === undefined) {
      throw new BuildError('template_invalid', `${shownUrl(url)}: content of type="url" is not fetched here`);
    }
    const bytes = await fetch(url, { limit: left, signal: waiting.signal });
    contents.set(url, bytes);
    left -= bytes.length;
  }
  return { get: url => contents.get(url) ?? new Uint8Array() };
}

function fetchedScript(bytes: Uint8Array, { name }: TdlCommand): string {
  const script = decodeScript(bytes);
  if (script !== undefined && script.trim() !== '') return script;
  const what = script === undefined ? 'no UTF-8 text' : 'empty';
  throw new BuildError(
    'template_invalid',
    `the script of the command ${JSON.stringify(name.slice(0, 60))} is ${what}; look at what its URL gives`,
  );
}
