import { BuildError } from '@imagefactory/plugin-api';
import { DOMParser, type Element, ParseError } from '@xmldom/xmldom';
import { positionAt, quoted, templateError } from './template-error.js';

/** Bytes of UTF-8 that a template may have at most, unless told otherwise. */
export const defaultTemplateLimit = 2 * 1024 * 1024;

/** Elements that a template may have at most; a DOM of more would keep the agent from answering for seconds. */
const elementLimit = 20_000;

/**
 * Parses the text of a template and gives its root element.
 *
 * Refused: what is no well-formed XML, DOCTYPE (and with it every entity that isn't one of the five of XML), processing
 * instructions, control characters, and what exceeds the limits. Errors of the XML parser are told by place only, since its
 * words may quote a password.
 *
 * @throws BuildError `template_invalid`
 */
export function parseXml(given: string, limit = defaultTemplateLimit): Element {
  const size = Buffer.byteLength(given, 'utf8');
  if (size > limit) {
    throw new BuildError(
      'template_invalid',
      `the template has ${size} bytes; at most ${limit} are taken, so put large files where <commands> can fetch them`,
    );
  }
  const text = given.startsWith('\uFEFF') ? given.slice(1) : given;
  checkStart(text);
  checkLexically(text);
  try {
    const document = new DOMParser({
      onError: (_level, message) => {
        throw new Error(message);
      },
    }).parseFromString(text, 'text/xml');
    const root = document.documentElement;
    if (root === null) throw new ParseError('missing root element');
    return root;
  } catch (error) {
    const at = positionOf(error);
    throw templateError(at, `not well-formed XML: ${explain(error)}`, 'correct it there or shortly before');
  }
}

function checkStart(text: string): void {
  const start = text.trimStart();
  if (start === '') {
    throw new BuildError(
      'template_invalid',
      'the template is empty; give TDL text such as <template>…</template>',
    );
  }
  if (start.startsWith('<')) return;
  const first = quoted(start.split('\n', 1)[0] ?? '');
  const kind = /^https?:/i.test(start)
    ? `a URL, ${first}, was given`
    : /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(start)
      ? `a uuid, ${first}, was given`
      : 'the text given is no XML';
  throw new BuildError('template_invalid', `${kind}; give the TDL text itself: <template>…</template>`);
}

/** Characters that XML 1.0 has no place for, and halves of surrogate pairs, which UTF-8 has none for. */
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Cs}/u;

const reference = /&(?:amp|lt|gt|quot|apos|#(\d{1,7})|#x([\da-fA-F]{1,6}));/y;

/**
 * What must not be in a template, and what the XML parser lets pass. Every character is looked at a bounded number of times,
 * whatever the text.
 */
function checkLexically(text: string): void {
  const bad = forbidden.exec(text);
  if (bad !== null) {
    const code = (bad[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    throw templateError(
      positionAt(text, bad.index),
      `the control character U+${code} is not allowed`,
      'remove it, or put binary content into a <file type="base64">',
    );
  }
  let elements = 0;
  const skipTo = (end: string, from: number, what: string): number => {
    const found = text.indexOf(end, from);
    if (found >= 0) return found + end.length;
    throw templateError(positionAt(text, from), `${what} is not closed`, `close it with ${end}`);
  };
  const next = /[<&]/g;
  for (let match = next.exec(text); match !== null; match = next.exec(text)) {
    const at = match.index;
    if (match[0] === '&') {
      checkReference(text, at);
    } else if (text.startsWith('<!--', at)) {
      next.lastIndex = skipTo('-->', at + 4, 'this comment');
    } else if (text.startsWith('<![CDATA[', at)) {
      next.lastIndex = skipTo(']]>', at + 9, 'this CDATA section');
    } else if (text.startsWith('<!', at)) {
      throw templateError(
        positionAt(text, at),
        'DOCTYPE and entity declarations are not allowed',
        'remove them and write the text itself',
      );
    } else if (text.startsWith('<?', at)) {
      // The XML declaration is allowed at the very beginning only, as XML itself has it.
      if (at > 0 || !/^<\?xml\s/.test(text)) {
        throw templateError(
          positionAt(text, at),
          'processing instructions are not allowed',
          'remove it; only <?xml …?> at the very beginning is taken',
        );
      }
      next.lastIndex = skipTo('?>', at + 2, 'the XML declaration');
    } else if (text[at + 1] !== '/' && ++elements > elementLimit) {
      throw templateError(
        positionAt(text, at),
        `a template may have at most ${elementLimit} elements`,
        'put some of its content into commands',
      );
    }
  }
}

function checkReference(text: string, at: number): void {
  reference.lastIndex = at;
  const match = reference.exec(text);
  if (match === null) {
    throw templateError(
      positionAt(text, at),
      "this '&' begins no entity that XML knows",
      'write &amp; for the character itself',
    );
  }
  const [, decimal, hexadecimal] = match;
  const code =
    decimal !== undefined ? Number(decimal) : hexadecimal !== undefined ? parseInt(hexadecimal, 16) : 32;
  if (code > 0x10ffff || forbidden.test(String.fromCodePoint(code))) {
    throw templateError(
      positionAt(text, at),
      'this character reference names no character that XML allows',
      'remove it',
    );
  }
}

/** The parser's locator, where it has one. */
function positionOf(error: unknown): { line: number; column: number } {
  // ParseError types its locator as `any`; it is a plain object with these two numbers, or has neither.
  const locator =
    error instanceof ParseError ? (error.locator as { lineNumber?: unknown; columnNumber?: unknown }) : {};
  const number = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 1);
  return { line: number(locator.lineNumber), column: number(locator.columnNumber) };
}

/** The parser's message in words that quote nothing of the document. */
function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const known: readonly (readonly [RegExp, string])[] = [
    [/unclosed xml tag/, 'an element is not closed'],
    [/tag mismatch/, 'an element is closed under another name, or not at all'],
    [/Only one element can be added|Extra content/, 'there is something after the end of the root element'],
    [/missed quot/, 'the value of an attribute is not in quotes'],
    [/missed value/, 'an attribute has no value'],
    [/redefined/, 'an attribute is given twice'],
    [/Unescaped '<'/, "the value of an attribute has a bare '<' (write &lt;)"],
    [/outside root element|missing root element/, 'there is no root element'],
    [/comment is not well-formed/, "a comment has '--' inside"],
    [/NamespaceError|prefix/, 'a name has a prefix; TDL has none'],
    [/element parse error|tag name|invalid/i, "a tag is wrong; a '<' that begins none must be written &lt;"],
  ];
  return known.find(([pattern]) => pattern.test(message))?.[1] ?? 'a tag or attribute is wrong';
}
