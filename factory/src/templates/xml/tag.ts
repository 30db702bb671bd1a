import { isBlank, trimXml } from './blanks.js';
import type { Position } from '../position.js';
import { checkReferences, resolveReferences } from './references.js';
import type { ScanReport } from './scan-report.js';
import type { XmlAttribute } from './tree.js';

export interface StartTag {
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  readonly selfClosing: boolean;
  /** Offset behind its '>'. */
  readonly end: number;
}

const anyName = /[^ \t\r\n<>/="'&]+/y;
const plainName = /^[A-Za-z_][\w.-]*$/;
const prefixedName = /^[A-Za-z_][\w.-]*:[A-Za-z_][\w.-]*$/;
const xinclude = 'http://www.w3.org/2001/XInclude';

/** Reads a start tag at `start`. Reports what is wrong in it; ends the scan where it can't be read. */
export function readTag(
  text: string,
  start: number,
  attributeLimit: number,
  report: ScanReport,
  placeOf: (offset: number) => Position,
): StartTag {
  const name = take(anyName, text, start + 1);
  if (name === undefined || !(plainName.test(name) || prefixedName.test(name))) {
    report.fatal(
      'not-well-formed',
      start,
      "this '<' begins no tag that TDL could have",
      'write &lt; for the character itself',
    );
  }
  const seen = new Set<string>();
  const attributes: XmlAttribute[] = [];
  let namespaces = false;
  let at = start + 1 + name.length;
  for (;;) {
    const blanks = countBlanks(text, at);
    at += blanks;
    if (text.startsWith('/>', at) || text.startsWith('>', at)) break;
    const attribute = take(anyName, text, at);
    if (attribute === undefined) {
      report.fatal('not-well-formed', start, 'this tag is not closed, or wrong inside', 'close it with >');
    }
    if (blanks === 0) {
      report.fatal('not-well-formed', at, 'there is no blank before an attribute', 'put one there');
    }
    const value = readValue(text, at + attribute.length, at, report);
    checkReferences(value.text, value.start, report);
    if (seen.has(attribute)) {
      report.fatal('not-well-formed', at, 'an attribute is given twice', 'remove one of them');
    }
    seen.add(attribute);
    if (seen.size > attributeLimit) {
      report.fatal(
        'too-many-attributes',
        start,
        `an element may have at most ${attributeLimit} attributes`,
        'remove those that TDL does not have',
      );
    }
    if (attribute === 'xmlns' || attribute.startsWith('xmlns:')) {
      namespaces = true;
      reportNamespace(attribute, value.text, at, report);
    } else if (!plainName.test(attribute)) {
      if (!prefixedName.test(attribute)) {
        report.fatal('not-well-formed', at, 'the name of an attribute is wrong', 'remove it');
      }
      report.problem('prefix', at, 'an attribute has a prefix, and TDL has none', 'remove the attribute');
    }
    attributes.push({ name: attribute, value: attributeValue(value.text), at: placeOf(value.start - 1) });
    at = value.end;
  }
  if (!plainName.test(name) && !namespaces) reportPrefix(name, start, report);
  const selfClosing = text.startsWith('/>', at);
  return { name, attributes, selfClosing, end: at + (selfClosing ? 2 : 1) };
}

function readValue(
  text: string,
  from: number,
  attributeAt: number,
  report: ScanReport,
): { readonly text: string; readonly start: number; readonly end: number } {
  let at = from + countBlanks(text, from);
  if (text[at] !== '=') {
    report.fatal('not-well-formed', attributeAt, 'an attribute has no value', 'write name="value"');
  }
  at += 1 + countBlanks(text, at + 1);
  const quote = text[at];
  if (quote !== '"' && quote !== "'") {
    report.fatal(
      'not-well-formed',
      attributeAt,
      'the value of an attribute is not in quotes',
      'write name="value"',
    );
  }
  const end = text.indexOf(quote, at + 1);
  if (end < 0) {
    report.fatal(
      'not-well-formed',
      attributeAt,
      'the value of an attribute is not closed',
      `close it with ${quote}`,
    );
  }
  const value = text.slice(at + 1, end);
  if (value.includes('<')) {
    report.fatal(
      'not-well-formed',
      attributeAt,
      "the value of an attribute has a bare '<', or is not closed",
      'write &lt; for the character itself',
    );
  }
  return { text: value, start: at + 1, end: end + 1 };
}

/** A value as XML 1.0 §3.3.3 has it: blanks become spaces, but not those that references stand for. */
function attributeValue(text: string): string {
  return resolveReferences(text.replace(/[\t\n\r]/g, ' '));
}

function reportNamespace(attribute: string, value: string, at: number, report: ScanReport): void {
  if (trimXml(value) === xinclude) {
    reportXInclude(at, report);
    return;
  }
  report.problem(
    'namespace',
    at,
    `a namespace is declared (${attribute === 'xmlns' ? 'xmlns' : 'xmlns:…'}), and TDL has none`,
    'remove the declaration',
  );
}

function reportPrefix(name: string, at: number, report: ScanReport): void {
  if (/^xi:/i.test(name)) reportXInclude(at, report);
  else
    report.problem(
      'prefix',
      at,
      'the name of an element has a prefix, and TDL has none',
      'remove the prefix',
    );
}

function reportXInclude(at: number, report: ScanReport): void {
  report.problem(
    'xinclude',
    at,
    'XInclude is not followed: a template must not read other files',
    'put the included text itself there',
  );
}

function take(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function countBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at - from;
}
