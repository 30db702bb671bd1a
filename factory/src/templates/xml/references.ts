import type { ScanReport } from './scan-report.js';

/** Characters that XML 1.0 has no place for, and halves of surrogate pairs, which UTF-8 has none for. */
export const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Cs}/u;

const pattern = '&(?:(amp|lt|gt|quot|apos)|#0*(\\d{1,7})|#x0*([\\da-fA-F]{1,6}));';
const reference = new RegExp(pattern, 'y');
const references = new RegExp(pattern, 'g');
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Reports every '&' in the piece of text that begins no reference which XML itself knows. */
export function checkReferences(piece: string, offset: number, report: ScanReport): void {
  for (let at = piece.indexOf('&'); at >= 0; at = piece.indexOf('&', at + 1)) {
    reference.lastIndex = at;
    const match = reference.exec(piece);
    if (match === null) {
      report.problem(
        'reference',
        offset + at,
        "this '&' begins no entity that XML knows",
        'write &amp; for the character itself',
      );
      continue;
    }
    const [, entity, decimal, hexadecimal] = match;
    if (entity !== undefined) continue;
    const code = codeOf(decimal, hexadecimal);
    if (code > 0x10ffff || forbidden.test(String.fromCodePoint(code))) {
      report.problem(
        'reference',
        offset + at,
        'this character reference names no character that XML allows',
        'remove it',
      );
    }
  }
}

/** The piece of text with the characters that its references stand for. Those that {@link checkReferences} reports stay as they are. */
export function resolveReferences(piece: string): string {
  if (!piece.includes('&')) return piece;
  return piece.replace(references, (whole, entity?: string, decimal?: string, hexadecimal?: string) => {
    if (entity !== undefined) return entities[entity] ?? whole;
    const code = codeOf(decimal, hexadecimal);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}

function codeOf(decimal: string | undefined, hexadecimal: string | undefined): number {
  return decimal === undefined ? parseInt(hexadecimal ?? '', 16) : Number(decimal);
}
