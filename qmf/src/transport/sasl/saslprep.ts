/** RFC 3454 B.1: what is mapped to nothing. */
const MAPPED_TO_NOTHING = /[\u00AD\u034F\u1806\u180B-\u180D\u200B-\u200D\u2060\uFE00-\uFE0F\uFEFF]/gu;
/** RFC 3454 C.1.2: spaces that are not the ASCII one. */
const OTHER_SPACES = /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/gu;
/** RFC 3454 C.2 to C.9, as far as Unicode's own classes say it: control, private, surrogate, unassigned by purpose. */
const PROHIBITED =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}\uFFF9-\uFFFD\u2FF0-\u2FFB]/u;

/**
 * Users and passwords in the one form that both sides compute with (RFC 4013), without its rules for text from right to left,
 * which only tell good passwords from bad ones.
 *
 * @throws Error for characters that have no place there; never says which text it was
 */
export function saslPrep(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const prepared = text.replace(OTHER_SPACES, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC');
  if (PROHIBITED.test(prepared))
    throw new Error('the user or the password holds control characters, which SCRAM forbids');
  return prepared;
}
