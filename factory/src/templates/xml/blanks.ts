/** White space as XML has it: JavaScript's `trim` takes more, and so would take what Oz refuses. */
export function trimXml(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** The same for a token, whose inner blanks count as one. */
export function tokenOf(text: string): string {
  return trimXml(text).replace(/[ \t\r\n]+/g, ' ');
}
