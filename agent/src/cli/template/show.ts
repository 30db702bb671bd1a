import type { TemplateInstall, TemplateRepository } from '@imagefactory/plugin-api';
import type { ContentSummary, TemplateSummary } from '@imagefactory/factory/templates';

/** A template for people: a line for each thing in it. */
export function describeTemplate(summary: TemplateSummary): string {
  const { os, packages, repositories, files, precommands, commands, diskSize } = summary;
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['name', summary.name === '' ? [] : [summary.name]],
    ['description', given(summary.description)],
    ['text', given(summary.text)],
    ['system', os === undefined ? [] : [`${os.name} ${os.version} on ${os.arch}`]],
    ['install from', os === undefined ? [] : describeInstall(os.install)],
    ['root password', given(os?.rootPassword)],
    ['product key', given(os?.productKey)],
    ['kernel', given(os?.kernelParameters)],
    ['icicle', given(os?.icicleCommand)],
    ['disk', diskSize === undefined ? [] : [describeSize(diskSize)]],
    ['repositories', repositories.map(describeRepository)],
    ['precommands', precommands.map(({ name, ...content }) => `${name} (${describeContent(content)})`)],
    [
      'packages',
      packages.map(({ name, repository, file, arguments: args }) =>
        [
          name,
          ...(repository === undefined ? [] : [`from ${repository}`]),
          ...(file === undefined ? [] : [`in ${file}`]),
          ...(args === undefined ? [] : [`with ${args}`]),
        ].join(' '),
      ),
    ],
    ['files', files.map(({ path, ...content }) => `${path} (${describeContent(content)})`)],
    ['commands', commands.map(({ name, ...content }) => `${name} (${describeContent(content)})`)],
  ];
  const lines = rows.flatMap(([label, values]) =>
    values.map((value, index) => `${(index === 0 ? label : '').padEnd(15)}${oneLine(value)}\n`),
  );
  return lines.length === 0 ? 'an empty template, for the target mock\n' : lines.join('');
}

function given(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

/** Control characters in a template must not reach a terminal. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function describeInstall(install: TemplateInstall): readonly string[] {
  if (install.type === 'url') return [install.url];
  const { iso, checksum, extras = [] } = install;
  return [
    iso,
    ...(checksum === undefined ? [] : [`${checksum.algorithm} sum at ${checksum.url}`]),
    ...extras.map(({ type, source, destination }) => `with the ${type} ${source} as ${destination}`),
  ];
}

function describeRepository({ name, url, signed, persisted, verifyTls }: TemplateRepository): string {
  const remarks = [
    signed ? 'signed' : 'not signed',
    ...(persisted ? [] : ['for the build only']),
    ...(verifyTls === true ? ['certificate verified'] : []),
  ];
  return `${name}: ${url} (${remarks.join(', ')})`;
}

function describeContent(content: ContentSummary): string {
  return 'url' in content ? `from ${content.url}` : describeSize(content.bytes);
}

function describeSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${units[unit] ?? ''}`;
}
