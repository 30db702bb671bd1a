import { nearest } from '@imagefactory/text';
import type { Shape } from './grammar.js';
import type { TemplateNode } from './node.js';
import { quoted } from './position.js';
import { trimXml } from './xml/blanks.js';

/** Reports every element, attribute and text that the grammar has not there, and every one that is missing. */
export function checkStructure(node: TemplateNode, shape: Shape): void {
  if (shape.ignored === true) {
    node.problem('not-read', `<${node.name}> is not read in a partial template`, 'remove it');
    return;
  }
  checkAttributes(node, shape);
  const { children } = shape;
  if (children === undefined) {
    for (const { at } of node.elements) {
      // Its name is told nowhere: it may be part of a password with a bare '<' in it.
      const message = `<${node.name}> takes text only, and has an element in it`;
      node.problem('element-in-text', message, "write &lt; for a '<'", at);
    }
    return;
  }
  checkChildren(node, children);
  if (trimXml(node.text) !== '') {
    node.problem(
      'text-between',
      `<${node.name}> has text between its elements`,
      'remove the text, or put it into an element',
      node.textAt,
    );
  }
}

function checkAttributes(node: TemplateNode, { attributes = {}, secret }: Shape): void {
  const known = Object.keys(attributes);
  const meant = new Set<string>();
  for (const name of node.attributes) {
    if (Object.hasOwn(attributes, name)) continue;
    const shown = secret === true ? '' : ` ${quoted(name)}`;
    const message = `<${node.name}> has the unknown attribute${shown}`;
    node.problem('unknown-attribute', message, guess(name, known, meant), node.attributeAt(name));
  }
  for (const [name, { required }] of Object.entries(attributes)) {
    if (required === undefined || meant.has(name)) continue;
    const value = node.attribute(name);
    const remedy = `write <${node.name} ${name}="${required}">`;
    if (value === undefined) {
      node.problem('missing-attribute', `<${node.name}> has no attribute ${name}`, remedy);
    } else if (value === '') {
      const message = `<${node.name}> has an empty attribute ${name}`;
      node.problem('empty-value', message, remedy, node.attributeAt(name));
    }
  }
}

function checkChildren(node: TemplateNode, children: NonNullable<Shape['children']>): void {
  const known = Object.keys(children);
  const seen = new Set<string>();
  const meant = new Set<string>();
  for (const element of node.elements) {
    const { name } = element;
    const child = Object.hasOwn(children, name) ? children[name] : undefined;
    if (child === undefined) {
      const message = `<${node.name}> has the unknown element ${quoted(name)}`;
      element.problem('unknown-element', message, guess(name, known, meant));
      continue;
    }
    if (seen.has(name) && child.many !== true) {
      const message = `<${node.name}> has a second <${name}>`;
      element.problem('second-element', message, 'one is allowed; remove the other');
      continue;
    }
    seen.add(name);
    checkStructure(element, child.shape);
  }
  for (const [name, { required }] of Object.entries(children)) {
    if (required !== undefined && !seen.has(name) && !meant.has(name)) {
      node.problem('missing-element', `<${node.name}> has no <${name}>`, `add ${required} to it`);
    }
  }
}

/** @param meant gets the name that was probably meant, so that it isn't reported as missing too */
function guess(name: string, known: readonly string[], meant: Set<string>): string {
  if (known.length === 0) return 'it takes none';
  const near = nearest(name, known);
  if (near === undefined) return `known here: ${known.join(', ')}`;
  meant.add(near);
  return `did you mean ${near}? Known here: ${known.join(', ')}`;
}
