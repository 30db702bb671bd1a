import { createMask, type TemplateInstall } from '@imagefactory/plugin-api';
import { isRemote, type RemoteContent, type TdlTemplate } from './model.js';
import { hiddenPassword, maskUrls, templateSecrets } from './secrets.js';

/** What is in a template, for people and for JSON: no contents, and no password anywhere. */
export interface TemplateSummary {
  readonly name: string;
  readonly description?: string;
  readonly os?: {
    readonly name: string;
    readonly version: string;
    readonly arch: string;
    readonly install: TemplateInstall;
    /** `***` when there is one. */
    readonly rootPassword?: string;
    readonly productKey?: string;
    readonly kernelParameters?: string;
    readonly icicleCommand?: string;
  };
  readonly packages: TdlTemplate['packages'];
  readonly repositories: TdlTemplate['repositories'];
  readonly files: readonly ({ readonly path: string } & ContentSummary)[];
  readonly precommands: readonly ({ readonly name: string } & ContentSummary)[];
  readonly commands: readonly ({ readonly name: string } & ContentSummary)[];
  /** Bytes. */
  readonly diskSize?: number;
  readonly text?: string;
}

/** Bytes of content, or where it is to be fetched from. */
export type ContentSummary = { readonly bytes: number } | { readonly url: string };

export function summariseTemplate(template: TdlTemplate): TemplateSummary {
  const { os, text, files, precommands, commands, ...rest } = template;
  const { rootPassword, productKey, ...system } = os ?? {};
  const summary = {
    ...rest,
    ...(os === undefined
      ? {}
      : {
          os: {
            ...os,
            ...system,
            ...(rootPassword === undefined ? {} : { rootPassword: hiddenPassword }),
            ...(productKey === undefined ? {} : { productKey: hiddenPassword }),
          },
        }),
    files: files.map(({ path, content }) => ({ path, ...summaryOf(content) })),
    precommands: precommands.map(({ name, script }) => ({ name, ...summaryOf(script) })),
    commands: commands.map(({ name, script }) => ({ name, ...summaryOf(script) })),
    ...(text === '' ? {} : { text }),
  };
  const mask = createMask(templateSecrets(template));
  return masked(summary, value => maskUrls(mask.part(value)));
}

function summaryOf(content: Uint8Array | string | RemoteContent): ContentSummary {
  if (isRemote(content)) return { url: content.url };
  return { bytes: typeof content === 'string' ? Buffer.byteLength(content, 'utf8') : content.length };
}

/** The same thing with every text in it masked. */
function masked<T>(value: T, mask: (text: string) => string): T {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return mask(part);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, walk(inner)]));
  };
  // Strings become strings, and everything else keeps its shape.
  return walk(value) as T;
}
