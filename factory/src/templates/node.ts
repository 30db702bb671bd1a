import type { Element } from '@xmldom/xmldom';
import type { Position } from './position.js';
import type { Problems } from './problems.js';
import type { RuleName } from './rules.js';
import { trimXml } from './xml/blanks.js';

// Values of `nodeType` (DOM).
const elementNode = 1;
const textNode = 3;
const cdataNode = 4;

/** An element of a template, with a place to report what is wrong with it. */
export class TemplateNode {
  readonly name: string;
  readonly at: Position;
  readonly path: string;
  readonly elements: readonly TemplateNode[];
  /** The text directly inside, as it is. */
  readonly text: string;
  /** Where the first text that isn't blank stands. */
  readonly textAt: Position | undefined;
  readonly #attributes = new Map<string, { readonly value: string; readonly at: Position }>();

  constructor(
    element: Element,
    private readonly problems: Problems,
    parent = '',
  ) {
    this.name = element.tagName;
    this.at = placeOf(element);
    this.path = `${parent}/${this.name}`;
    for (const attribute of element.attributes) {
      this.#attributes.set(attribute.name, { value: attribute.value, at: placeOf(attribute) });
    }
    const elements: TemplateNode[] = [];
    const pieces: string[] = [];
    for (let node = element.firstChild; node !== null; node = node.nextSibling) {
      if (node.nodeType === textNode || node.nodeType === cdataNode) {
        const piece = node.nodeValue ?? '';
        pieces.push(piece);
        if (trimXml(piece) !== '') this.textAt ??= placeOf(node);
      } else if (node.nodeType === elementNode) {
        // A node of that type is an Element; DOM typings don't discriminate by it.
        elements.push(new TemplateNode(node as Element, problems, this.path));
      }
    }
    this.elements = elements;
    this.text = pieces.join('');
  }

  /** The text inside without blanks around. */
  get trimmed(): string {
    return trimXml(this.text);
  }

  get attributes(): readonly string[] {
    return [...this.#attributes.keys()];
  }

  /** An attribute's value as it is; undefined when it isn't there. */
  rawAttribute(name: string): string | undefined {
    return this.#attributes.get(name)?.value;
  }

  /** An attribute's value without blanks around. */
  attribute(name: string): string | undefined {
    const value = this.rawAttribute(name);
    return value === undefined ? undefined : trimXml(value);
  }

  attributeAt(name: string): Position {
    return this.#attributes.get(name)?.at ?? this.at;
  }

  child(name: string): TemplateNode | undefined {
    return this.elements.find(element => element.name === name);
  }

  children(name: string): readonly TemplateNode[] {
    return this.elements.filter(element => element.name === name);
  }

  problem(rule: RuleName, message: string, remedy: string, at: Position = this.at): void {
    this.problems.add(rule, at, this.path, message, remedy);
  }
}

function placeOf(node: { readonly lineNumber?: number; readonly columnNumber?: number }): Position {
  return { line: node.lineNumber ?? 1, column: node.columnNumber ?? 1 };
}
