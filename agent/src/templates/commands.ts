import type { TemplateCommand } from '@imagefactory/plugin-api';
import type { Shape, TemplateElement } from './element.js';
import { quoted } from './template-error.js';
import { readContent } from './values.js';

const commandShape: Shape = { attributes: ['name', 'position', 'type'] };

/** Reads `<commands>` or `<precommands>` and puts them in the order of execution. */
export function readCommands(list: TemplateElement | undefined): readonly TemplateCommand[] {
  if (list === undefined) return [];
  const commands = list.children('command', commandShape).map(element => ({
    element,
    position: readPosition(element),
    command: { name: element.requiredAttribute('name', 'setup'), script: readScript(element) },
  }));
  const placed = commands.filter(({ position }) => position !== undefined).length;
  if (placed === 0) return commands.map(({ command }) => command);
  const seen = new Set<number>();
  for (const { element, position } of commands) {
    const wanted = `give all commands of <${list.name}> one, 1 to ${commands.length}, or none`;
    if (position === undefined)
      throw element.error('this <command> has no position, and others have', wanted);
    if (seen.has(position)) throw element.error(`position ${position} is given twice`, wanted);
    if (position < 1 || position > commands.length) {
      throw element.error(`position ${position} leaves a gap`, wanted);
    }
    seen.add(position);
  }
  return commands
    .toSorted((left, right) => (left.position ?? 0) - (right.position ?? 0))
    .map(({ command }) => command);
}

function readPosition(element: TemplateElement): number | undefined {
  const text = element.attribute('position');
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) {
    throw element.error(`<command> has the position ${quoted(text)}`, 'write a number from 1');
  }
  return Number(text);
}

function readScript(element: TemplateElement): string {
  const content = readContent(element);
  let script: string;
  try {
    script = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw element.error(
      'this <command> is no UTF-8 text',
      'put binary content into <files> and call it from a command',
    );
  }
  if (script.trim() === '') throw element.error('this <command> is empty', 'write a script, or remove it');
  return script;
}
