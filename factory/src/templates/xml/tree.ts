import type { Position } from '../position.js';

/** An element, its parts in the order of the text. References are resolved; comments are left out. */
export interface XmlElement {
  readonly name: string;
  /** Of its '<'. */
  readonly at: Position;
  readonly attributes: readonly XmlAttribute[];
  readonly content: readonly (XmlElement | XmlText)[];
}

export interface XmlAttribute {
  readonly name: string;
  readonly value: string;
  /** Of the quote before its value. */
  readonly at: Position;
}

/** Text up to the next markup, or a CDATA section. */
export interface XmlText {
  readonly text: string;
  readonly at: Position;
}
