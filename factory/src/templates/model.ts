import type { Template, TemplateCommand, TemplateFile } from '@imagefactory/plugin-api';

/** Content that a template names by URL instead of holding it (`type="url"`). */
export interface RemoteContent {
  readonly url: string;
}

export interface TdlFile {
  readonly path: string;
  readonly content: Uint8Array | RemoteContent;
}

export interface TdlCommand {
  readonly name: string;
  readonly script: string | RemoteContent;
}

/** All of a TDL document. It differs from what plugins get in that content may still have to be fetched. */
export interface TdlTemplate extends Omit<Template, 'files' | 'commands' | 'precommands'> {
  readonly files: readonly TdlFile[];
  /** In the order of execution. */
  readonly commands: readonly TdlCommand[];
  /** Run before packages are installed, in the order of execution. */
  readonly precommands: readonly TdlCommand[];
}

export function isRemote(content: Uint8Array | string | RemoteContent): content is RemoteContent {
  return typeof content === 'object' && 'url' in content;
}

/** The URLs whose content has to be fetched before a plugin can work on the template. */
export function remoteUrls(template: TdlTemplate): readonly string[] {
  return [
    ...template.files.map(({ content }) => content),
    ...[...template.precommands, ...template.commands].map(({ script }) => script),
  ]
    .filter(content => isRemote(content))
    .map(({ url }) => url);
}

/**
 * The template as plugins get it, with what `content` has for each URL.
 *
 * @param scriptOf the text of a fetched command
 */
export function withContents(
  template: TdlTemplate,
  content: (url: string) => Uint8Array,
  scriptOf: (bytes: Uint8Array, command: TdlCommand) => string,
): Template {
  const file = ({ path, content: given }: TdlFile): TemplateFile => ({
    path,
    content: isRemote(given) ? content(given.url) : given,
  });
  const command = (given: TdlCommand): TemplateCommand => {
    const { name, script } = given;
    return { name, script: isRemote(script) ? scriptOf(content(script.url), given) : script };
  };
  return {
    ...template,
    files: template.files.map(file),
    commands: template.commands.map(command),
    precommands: template.precommands.map(command),
  };
}
