import { isRemote, type TdlCommand } from '../model.js';
import type { TemplateNode } from '../node.js';
import { quoted } from '../position.js';
import { trimXml } from '../xml/blanks.js';
import { entriesOf } from './lists.js';
import { readContent } from './values.js';

/** Reads `<commands>` or `<precommands>` and puts them in the order of execution. */
export function readCommands(list: TemplateNode | undefined): readonly TdlCommand[] {
  const commands = entriesOf(list, 'command').map(node => ({
    node,
    position: readPosition(node),
    command: { name: node.attribute('name') ?? '', script: readScript(node) },
  }));
  checkPositions(list?.name ?? '', commands);
  return commands
    .toSorted((left, right) => (left.position ?? 0) - (right.position ?? 0))
    .map(({ command }) => command);
}

function checkPositions(
  list: string,
  commands: readonly { readonly node: TemplateNode; readonly position: number | undefined }[],
): void {
  if (commands.every(({ node }) => node.rawAttribute('position') === undefined)) return;
  const remedy = `give all commands of <${list}> one, 1 to ${commands.length}, or none`;
  const seen = new Set<number>();
  for (const { node, position } of commands) {
    const at = node.attributeAt('position');
    if (node.rawAttribute('position') === undefined) {
      node.problem('command-order', 'this <command> has no position, and others have', remedy);
    }
    if (position === undefined) continue;
    if (seen.has(position)) {
      node.problem('command-order', `position ${position} is given twice`, remedy, at);
    } else if (position < 1 || position > commands.length) {
      node.problem('command-order', `position ${position} leaves a gap`, remedy, at);
    }
    seen.add(position);
  }
}

function readPosition(node: TemplateNode): number | undefined {
  const raw = node.rawAttribute('position');
  if (raw === undefined) return undefined;
  const text = trimXml(raw);
  const at = node.attributeAt('position');
  if (!/^\d*$/.test(text)) {
    node.problem('wrong-value', `<command> has the position ${quoted(text)}`, 'write a number from 1', at);
    return undefined;
  }
  if (!/^\d{1,6}$/.test(text)) {
    node.problem('command-order', `<command> has the position ${quoted(text)}`, 'write a number from 1', at);
    return undefined;
  }
  if (raw !== text) {
    node.problem('padded', 'position has blanks around its value, which Oz refuses', 'remove the blanks', at);
  }
  return Number(text);
}

function readScript(node: TemplateNode): TdlCommand['script'] {
  const content = readContent(node);
  if (isRemote(content)) return content;
  const script = decodeScript(content);
  if (script === undefined) {
    node.problem(
      'command-not-text',
      'this <command> is no UTF-8 text',
      'put binary content into <files> and call it from a command',
    );
  } else if (script.trim() === '' && (node.trimmed === '' || content.length > 0)) {
    node.problem('empty-command', 'this <command> is empty', 'write a script, or remove it');
  }
  return script ?? '';
}

/** The text of a script, or undefined when the bytes are no UTF-8. */
export function decodeScript(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
