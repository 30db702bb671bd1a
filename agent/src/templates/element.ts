import type { BuildError } from '@imagefactory/plugin-api';
import type { Element } from '@xmldom/xmldom';
import { nearest } from './nearest.js';
import { type Position, quoted, templateError } from './template-error.js';

/** Everything that an element may hold. What is not named is an error. */
export interface Shape {
  readonly attributes?: readonly string[];
  /** Child elements by name, and whether more than one is allowed. */
  readonly children?: Readonly<Record<string, 'once' | 'many'>>;
  /** Names that TDL has and this version can't serve, with the reason. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** Whether it may hold text; default: only when it has no children. */
  readonly text?: boolean;
}

// Values of `nodeType` (DOM).
const elementNode = 1;
const textNode = 3;
const cdataNode = 4;

/** An element of a template, checked against its shape. Each problem is an error with line, column and remedy. */
export class TemplateElement {
  readonly name: string;
  readonly at: Position;
  readonly #attributes = new Map<string, string>();
  readonly #children = new Map<string, Element[]>();
  readonly #text: string;

  /** @throws BuildError `template_invalid` when it holds something that it shouldn't */
  constructor(element: Element, shape: Shape) {
    this.name = element.tagName;
    this.at = { line: element.lineNumber ?? 1, column: element.columnNumber ?? 1 };
    this.#readAttributes(element, shape);
    this.#text = this.#readContent(element, shape);
  }

  /** An attribute's value, trimmed; undefined when it isn't there. */
  attribute(name: string): string | undefined {
    return this.#attributes.get(name)?.trim();
  }

  requiredAttribute(name: string, example: string): string {
    const value = this.attribute(name);
    if (value === undefined || value === '') {
      throw this.error(
        `<${this.name}> ${value === '' ? 'has an empty' : 'has no'} attribute ${name}`,
        `write <${this.name} ${name}="${example}">`,
      );
    }
    return value;
  }

  child(name: string, shape: Shape = {}): TemplateElement | undefined {
    const element = this.#children.get(name)?.[0];
    return element === undefined ? undefined : new TemplateElement(element, shape);
  }

  requiredChild(name: string, example: string, shape: Shape = {}): TemplateElement {
    const child = this.child(name, shape);
    if (child === undefined) throw this.error(`<${this.name}> has no <${name}>`, `add ${example} to it`);
    return child;
  }

  children(name: string, shape: Shape): TemplateElement[] {
    return (this.#children.get(name) ?? []).map(element => new TemplateElement(element, shape));
  }

  /** The text inside, as it is. */
  get text(): string {
    return this.#text;
  }

  /** The text inside, trimmed. */
  get trimmed(): string {
    return this.#text.trim();
  }

  requiredText(example: string): string {
    if (this.trimmed === '')
      throw this.error(`<${this.name}> is empty`, `write <${this.name}>${example}</${this.name}>`);
    return this.trimmed;
  }

  error(what: string, remedy: string): BuildError {
    return templateError(this.at, what, remedy);
  }

  #readAttributes(element: Element, { attributes = [] }: Shape): void {
    for (const attribute of element.attributes) {
      if (!attributes.includes(attribute.name)) {
        throw this.error(
          `<${this.name}> has the unknown attribute ${quoted(attribute.name)}`,
          guess(attribute.name, attributes),
        );
      }
      this.#attributes.set(attribute.name, attribute.value);
    }
  }

  #readContent(element: Element, shape: Shape): string {
    const { children = {}, unsupported = {} } = shape;
    const known = Object.keys(children);
    const pieces: string[] = [];
    for (let node = element.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType === textNode || node.nodeType === cdataNode) pieces.push(node.nodeValue ?? '');
      if (node.nodeType !== elementNode) continue;
      // A node of that type is an Element; DOM typings don't discriminate by it.
      const child = node as Element;
      const at = { line: child.lineNumber ?? 1, column: child.columnNumber ?? 1 };
      const name = child.tagName;
      const why = Object.hasOwn(unsupported, name) ? unsupported[name] : undefined;
      if (why !== undefined)
        throw templateError(at, `<${name}> in <${this.name}> is not supported: ${why}`, 'remove it');
      // The name is not quoted: it may be part of a password with a bare '<' in it.
      if (known.length === 0)
        throw templateError(
          at,
          `<${this.name}> takes text only, and has an element in it`,
          "write &lt; for a '<'",
        );
      if (!Object.hasOwn(children, name)) {
        throw templateError(at, `<${this.name}> has the unknown element ${quoted(name)}`, guess(name, known));
      }
      const same = this.#children.get(name) ?? [];
      if (same.length > 0 && children[name] === 'once') {
        throw templateError(at, `<${this.name}> has a second <${name}>`, 'one is allowed; remove the other');
      }
      same.push(child);
      this.#children.set(name, same);
    }
    const text = pieces.join('');
    const textAllowed = shape.text ?? known.length === 0;
    if (!textAllowed && text.trim() !== '') {
      throw this.error(
        `<${this.name}> has text between its elements`,
        'remove the text, or put it into an element',
      );
    }
    return text;
  }
}

function guess(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'it takes none';
  const near = nearest(name, known);
  return near === undefined
    ? `known here: ${known.join(', ')}`
    : `did you mean ${near}? Known here: ${known.join(', ')}`;
}
