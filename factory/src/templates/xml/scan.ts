import type { TemplateLimits } from '../limits.js';
import { LineIndex, type Position } from '../position.js';
import type { Problems } from '../problems.js';
import { checkReferences, forbidden, resolveReferences } from './references.js';
import type { ScanReport } from './scan-report.js';
import { readTag } from './tag.js';
import type { XmlElement, XmlText } from './tree.js';

/** Ends the scan: what follows can't be told from what came before. */
class Stop extends Error {}

/** An element whose end tag has not come. */
interface OpenElement extends XmlElement {
  readonly offset: number;
  readonly content: (XmlElement | XmlText)[];
}

/**
 * Reads the text in one pass into a tree, and reports everything that must not be in a template, whether or not an XML parser would take it:
 * what is not well-formed, DOCTYPE and entities, XInclude, namespaces, processing instructions, and what exceeds the limits.
 * Every character is looked at a bounded number of times. Names are quoted only where they can't be part of a password that has
 * a bare '<' in it.
 *
 * @param text with line feeds alone between lines, and without a byte order mark
 * @returns the root element; undefined where the text cannot be read to its end. Of use only if no error was reported.
 */
export function scanXml(text: string, limits: TemplateLimits, problems: Problems): XmlElement | undefined {
  const lines = new LineIndex(text);
  const report: ScanReport = {
    problem: (rule, offset, message, remedy) => problems.add(rule, lines.at(offset), '', message, remedy),
    fatal: (rule, offset, message, remedy) => {
      problems.add(rule, lines.at(offset), '', message, remedy);
      throw new Stop();
    },
  };
  try {
    return new Scanner(text, limits, report, offset => lines.at(offset)).run();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return undefined;
  }
}

class Scanner {
  readonly #open: OpenElement[] = [];
  #at = 0;
  #elements = 0;
  #root: XmlElement | undefined;
  #rootEnded = false;

  constructor(
    private readonly text: string,
    private readonly limits: TemplateLimits,
    private readonly report: ScanReport,
    private readonly placeOf: (offset: number) => Position,
  ) {}

  run(): XmlElement {
    this.#checkCharacters();
    while (this.#at < this.text.length) {
      const next = this.text.indexOf('<', this.#at);
      const end = next < 0 ? this.text.length : next;
      if (end > this.#at) this.#readText(this.#at, end);
      this.#at = end;
      if (next >= 0) this.#readMarkup();
    }
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined) {
      const remedy = elementNames.has(unclosed.name) ? `write </${unclosed.name}> where it ends` : 'close it';
      this.report.fatal(
        'not-well-formed',
        unclosed.offset,
        `${shownName(unclosed.name)} is not closed`,
        remedy,
      );
    }
    if (this.#root === undefined) {
      this.report.fatal(
        'no-template',
        0,
        'there is no element',
        'give TDL text such as <template>…</template>',
      );
    }
    return this.#root;
  }

  #checkCharacters(): void {
    const bad = forbidden.exec(this.text);
    if (bad === null) return;
    const code = (bad[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    this.report.problem(
      'forbidden-character',
      bad.index,
      `the control character U+${code} is not allowed`,
      'remove it, or put binary content into a <file type="base64">',
    );
  }

  #readText(start: number, end: number): void {
    const piece = this.text.slice(start, end);
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      const stray = piece.search(/[^ \t\r\n]/);
      if (stray >= 0) {
        const where = this.#rootEnded ? 'after the end of' : 'before';
        this.report.fatal(
          'not-well-formed',
          start + stray,
          `there is text ${where} the root element`,
          'remove it',
        );
      }
      return;
    }
    const marker = piece.indexOf(']]>');
    if (marker >= 0) {
      this.report.problem(
        'not-well-formed',
        start + marker,
        "text has ']]>' in it, which ends a CDATA section that was not begun",
        'write ]]&gt; for these characters',
      );
    }
    checkReferences(piece, start, this.report);
    parent.content.push({ text: resolveReferences(piece), at: this.placeOf(start) });
  }

  #readMarkup(): void {
    const { text } = this;
    const at = this.#at;
    const parent = this.#open.at(-1);
    if (text.startsWith('<!--', at)) {
      const end = this.#skipTo('-->', at + 4, 'this comment');
      const dashes = text.slice(at + 4, end - 2).indexOf('--');
      if (dashes >= 0) {
        this.report.problem(
          'not-well-formed',
          at + 4 + dashes,
          "a comment has '--' inside",
          'remove one dash',
        );
      }
    } else if (text.startsWith('<![CDATA[', at) && parent !== undefined) {
      const end = this.#skipTo(']]>', at + 9, 'this CDATA section');
      parent.content.push({ text: text.slice(at + 9, end - 3), at: this.placeOf(at) });
    } else if (text.startsWith('<!DOCTYPE', at)) {
      this.report.fatal(
        'doctype',
        at,
        'DOCTYPE and entity declarations are not allowed',
        'remove them and write the text itself',
      );
    } else if (text.startsWith('<!', at)) {
      this.report.fatal(
        'not-well-formed',
        at,
        "'<!' begins neither a comment nor a CDATA section here",
        'remove it',
      );
    } else if (text.startsWith('<?', at)) {
      this.#readInstruction(at);
    } else if (text.startsWith('</', at)) {
      this.#readEndTag(at);
    } else {
      this.#readStartTag(at);
    }
  }

  #skipTo(end: string, from: number, what: string): number {
    const found = this.text.indexOf(end, from);
    if (found < 0)
      this.report.fatal('not-well-formed', this.#at, `${what} is not closed`, `close it with ${end}`);
    return (this.#at = found + end.length);
  }

  #readInstruction(at: number): void {
    const end = this.#skipTo('?>', at + 2, at === 0 ? 'the XML declaration' : 'this processing instruction');
    const whole = this.text.slice(at, end);
    if (!/^<\?xml[ \t\r\n?]/i.test(whole)) {
      this.report.problem(
        'processing-instruction',
        at,
        'processing instructions are not allowed',
        'remove it; only <?xml …?> at the very beginning is taken',
      );
      return;
    }
    if (at > 0) {
      this.report.fatal(
        'not-well-formed',
        at,
        'an XML declaration stands where it is not allowed',
        'move it to the very beginning, or remove it',
      );
    }
    const match = declaration.exec(whole);
    if (match === null) {
      this.report.fatal(
        'not-well-formed',
        at,
        'the XML declaration is wrong',
        'write <?xml version="1.0" encoding="UTF-8"?>, or remove it',
      );
    }
    const encoding = (match[2] ?? match[3] ?? 'UTF-8').toUpperCase();
    if (!['UTF-8', 'US-ASCII', 'ASCII'].includes(encoding)) {
      this.report.problem(
        'encoding',
        at,
        'the XML declaration names an encoding other than UTF-8, which is not looked at',
        'write encoding="UTF-8", or leave it out',
      );
    }
  }

  #readStartTag(at: number): void {
    const { limits } = this;
    const tag = readTag(this.text, at, limits.attributes, this.report, this.placeOf);
    this.#at = tag.end;
    if (this.#rootEnded) {
      this.report.fatal(
        'not-well-formed',
        at,
        'there is something after the end of the root element',
        'remove it; a document is one <template>',
      );
    }
    if (++this.#elements > limits.elements) {
      this.report.fatal(
        'too-many-elements',
        at,
        `a template may have at most ${limits.elements} elements`,
        'put some of its content into commands',
      );
    }
    if (this.#open.length >= limits.depth) {
      this.report.fatal(
        'too-deep',
        at,
        `elements are nested more than ${limits.depth} deep`,
        'TDL needs five levels; look for an element that is not closed',
      );
    }
    const { name, attributes } = tag;
    const element = { name, at: this.placeOf(at), attributes, content: [], offset: at };
    this.#open.at(-1)?.content.push(element);
    this.#root ??= element;
    if (!tag.selfClosing) this.#open.push(element);
    else if (this.#open.length === 0) this.#rootEnded = true;
  }

  #readEndTag(at: number): void {
    const end = this.text.indexOf('>', at);
    const name = end < 0 ? '' : this.text.slice(at + 2, end).replace(/[ \t\r\n]+$/, '');
    const open = this.#open.pop();
    if (open === undefined) {
      this.report.fatal('not-well-formed', at, 'this end tag has no start tag', 'remove it');
    }
    if (name !== open.name) {
      this.report.fatal(
        'not-well-formed',
        at,
        `${shownName(open.name)} begun on line ${open.at.line} is closed under another name`,
        'close it first, or write the same name in both tags',
      );
    }
    this.#at = end + 1;
    if (this.#open.length === 0) this.#rootEnded = true;
  }
}

/** The elements of TDL. Any other name is not shown: it may be part of a password with a bare '<' in it. */
const elementNames: ReadonlySet<string> = new Set(
  (
    'template name os version arch install url iso md5sum sha1sum sha256sum extras directory file rootpw key kernelparam ' +
    'icicle extra_command description packages package repository arguments repositories signed persisted sslverify files ' +
    'commands precommands command disk size'
  ).split(' '),
);

function shownName(name: string): string {
  return elementNames.has(name) ? `<${name}>` : 'the element';
}

const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.\d\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][\w.-]*)"|'([A-Za-z][\w.-]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$/;
