import type { Position } from './position.js';
import type { Problems } from './problems.js';
import type { RuleName } from './rules.js';
import { trimXml } from './xml/blanks.js';
import type { XmlAttribute, XmlElement } from './xml/tree.js';

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
  readonly #attributes: ReadonlyMap<string, XmlAttribute>;

  constructor(
    element: XmlElement,
    private readonly problems: Problems,
    parent = '',
  ) {
    this.name = element.name;
    this.at = element.at;
    this.path = `${parent}/${this.name}`;
    this.#attributes = new Map(element.attributes.map(attribute => [attribute.name, attribute]));
    const elements: TemplateNode[] = [];
    const pieces: string[] = [];
    for (const part of element.content) {
      if ('name' in part) {
        elements.push(new TemplateNode(part, problems, this.path));
      } else {
        pieces.push(part.text);
        if (trimXml(part.text) !== '') this.textAt ??= part.at;
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
