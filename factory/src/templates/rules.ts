/**
 * What the verdict of a rule means beside the one of Oz's RELAX NG schema: the same, or an error where the schema may have none
 * (`stricter`), or nothing but a warning where the schema has an error (`laxer`).
 */
export interface Rule {
  readonly severity: 'error' | 'warning';
  readonly schema: 'same' | 'stricter' | 'laxer';
  /** One line: why we differ, or for a warning that doesn't, what it is about. */
  readonly why: string;
}

const same = (why: string) => ({ severity: 'error', schema: 'same', why }) as const;
const stricter = (why: string) => ({ severity: 'error', schema: 'stricter', why }) as const;
const laxer = (why: string) => ({ severity: 'warning', schema: 'laxer', why }) as const;
const useless = (why: string) => ({ severity: 'warning', schema: 'same', why }) as const;

/** Everything that can be said about a template. The names are stable: programs may look for them. */
export const rules = {
  'no-template': same('the text is empty or no XML at all'),
  'not-well-formed': same('a tag, attribute, comment or section is not as XML has it'),
  'forbidden-character': same('XML has no place for most control characters'),
  reference: same('a bare &, an entity that nobody declared, or a number that is no character'),
  root: same('the document is not a <template>'),
  xinclude: same('XInclude would read other files; Oz follows it before it looks at its schema'),
  prefix: same('names of TDL have no prefix'),
  'unknown-element': same('TDL has no such element there'),
  'unknown-attribute': same('TDL has no such attribute there'),
  'second-element': same('the element is allowed once'),
  'missing-element': same('the element must be there'),
  'missing-attribute': same('the attribute must be there'),
  'text-between': same('there is text where only elements may be'),
  'element-in-text': same('there is an element where only text may be'),
  'wrong-value': same('the value is none of those that TDL has'),
  'wrong-order': same('<extras> comes after <url> or <iso>'),

  doctype: stricter('a DOCTYPE can declare entities that read files or grow without bound'),
  'processing-instruction': stricter('they mean nothing here, and some XML programs fetch what they name'),
  namespace: stricter('TDL has no namespaces, so declaring one is a mistake'),
  'not-utf-8': stricter('a file in another encoding, which XML programs decode as it declares'),
  'too-large': stricter('the agent takes templates from anybody, so their bytes are bounded'),
  'too-deep': stricter('nesting is bounded; TDL itself needs five levels'),
  'too-many-elements': stricter('the number of elements is bounded'),
  'too-many-attributes': stricter('the number of attributes of an element is bounded'),
  'empty-value': stricter(
    'the schema takes empty names, versions, addresses and passwords; nothing can be built from them',
  ),
  url: stricter('the schema takes any text as a URL; only http, https and ftp are fetched'),
  'file-url': stricter("a file: URL would read from the factory's own machine"),
  'local-repository': stricter("Oz's code refuses repositories on the local host, its schema does not"),
  'disk-size': stricter('the schema takes no digits at all, zero, and sizes that no disk has'),
  base64: stricter('the schema does not count the characters; what does not decode is refused'),
  'command-order': stricter("positions must be 1 to n; Oz's code says so, its schema does not"),
  'empty-command': stricter("Oz's code refuses empty commands, its schema takes them unless they are base64"),
  'command-not-text': stricter('a command is a script, so it must be UTF-8 text'),
  'package-name': stricter('names become arguments of package tools, where some would be options'),
  'file-name': stricter('a file needs an absolute path inside the image'),
  'volatile-file': stricter('a file in /run, /dev, /proc or /sys is gone before anybody sees it'),
  'extra-name': stricter('what is added to an ISO needs a path inside it'),
  'extras-for-url': stricter("Oz's code takes <extras> with an ISO only, its schema with a URL too"),
  password: stricter('a password is one line of at most 512 characters'),

  padded: laxer('blanks around a boolean, a number or a size; they do no harm'),
  'size-unit': laxer('units other than G and T; newer Oz takes them, the schema of older ones does not'),
  encoding: laxer('text arrives decoded, so an encoding that it declares is not looked at'),

  'empty-list': useless('a list without entries'),
  'empty-text': useless('an optional element without text'),
  'repeated-package': useless('a package that is listed already'),
  replaced: useless('a file or repository that a later one of the same name replaces'),
  'unknown-repository': useless("a package's repository that the template does not have"),
  'verify-without-tls': useless('a certificate is to be verified where there is none'),
  'blank-password': useless('a password that begins or ends with a blank, which is easily overlooked'),
  'not-read': useless('an element that a partial template has no use for'),
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleName = keyof typeof rules;
