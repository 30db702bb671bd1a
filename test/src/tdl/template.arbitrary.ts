import { printTemplate, type TdlTemplate } from '@imagefactory/agent';
import fc from 'fast-check';

/** What XML can hold, and our readers give back: no control characters, no halves of surrogate pairs. */
const unwritable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;

const letter = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '<',
      '&',
      '>',
      '"',
      "'",
      ' ',
      '\n',
      '\t',
      '\r',
      ']]>',
      '&amp;',
      '\u0085',
      '\u2028',
      '--',
    ),
  },
);

const text = (maxLength: number) =>
  fc.string({ unit: letter, maxLength }).filter(value => !unwritable.test(value));

/** Text whose outer blanks don't count, and which is more than blanks. */
const trimmed = (maxLength: number) =>
  text(maxLength)
    .map(value => value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''))
    .filter(value => value.trim() !== '');

const url = fc
  .webUrl({ withQueryParameters: true, validSchemes: ['http', 'https', 'ftp'] })
  .filter(value => URL.canParse(value) && value.length < 2000);

const password = fc
  .string({ unit: letter, minLength: 1, maxLength: 60 })
  .filter(value => !unwritable.test(value) && !/[\r\n]/.test(value) && value.trim() !== '');

const path = fc
  .array(
    trimmed(8).filter(part => !part.includes('/') && part !== '..' && part !== '.'),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map(parts => `/${parts.join('/')}`);

const packageName = fc
  .stringMatching(/^@?[A-Za-z0-9][A-Za-z0-9.+:~=/@_-]{0,12}( [A-Za-z0-9]{1,5}){0,2}$/)
  .map(name => (name.startsWith('@') ? name : name.replaceAll(' ', '')));

const remote = fc.record({ url });
const fileContent = fc.oneof(
  text(40).map(value => new Uint8Array(Buffer.from(value, 'utf8'))),
  fc.uint8Array({ maxLength: 40 }),
  remote,
);
const script = fc.oneof(
  text(60).filter(value => value.trim() !== ''),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter(value => value.trim() !== ''),
  remote,
);

const install = fc.oneof(
  fc.record({ type: fc.constant('url' as const), url }),
  fc.record(
    {
      type: fc.constant('iso' as const),
      iso: url,
      checksum: fc.record({
        algorithm: fc.constantFrom('md5' as const, 'sha1' as const, 'sha256' as const),
        url,
      }),
      extras: fc.array(
        fc.record({
          type: fc.constantFrom('file' as const, 'directory' as const),
          source: url,
          destination: path.map(value => value.slice(1)),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    },
    { requiredKeys: ['type', 'iso'] },
  ),
);

const os = fc.record(
  {
    name: trimmed(10),
    version: trimmed(6),
    arch: fc.constantFrom('i386', 'x86_64', 'ppc64', 'ppc64le', 'aarch64', 'armv7l', 's390x'),
    install,
    rootPassword: password,
    kernelParameters: trimmed(20),
    productKey: trimmed(20),
    icicleCommand: trimmed(20),
  },
  { requiredKeys: ['name', 'version', 'arch', 'install'] },
);

const repository = fc.record(
  {
    name: trimmed(10),
    url,
    signed: fc.boolean(),
    persisted: fc.boolean(),
    verifyTls: fc.constant(true as const),
  },
  { requiredKeys: ['name', 'url', 'signed', 'persisted'] },
);

const command = fc.record({ name: trimmed(10), script });

/** Any template that is complete, as reading it would give it. */
export const templateArbitrary: fc.Arbitrary<TdlTemplate> = fc.record(
  {
    name: trimmed(20),
    description: trimmed(40),
    os,
    packages: fc.array(
      fc.record(
        { name: packageName, repository: trimmed(8), file: trimmed(8), arguments: trimmed(8) },
        { requiredKeys: ['name'] },
      ),
      { maxLength: 4 },
    ),
    repositories: fc.uniqueArray(repository, { maxLength: 3, selector: ({ name }) => name }),
    files: fc.uniqueArray(fc.record({ path, content: fileContent }), {
      maxLength: 3,
      selector: file => file.path,
    }),
    commands: fc.array(command, { maxLength: 3 }),
    precommands: fc.array(command, { maxLength: 3 }),
    diskSize: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 8000 }).map(gibibytes => gibibytes * 1024 ** 3) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** 40 }) },
    ),
    text: fc.constant(''),
  },
  {
    requiredKeys: ['name', 'os', 'packages', 'repositories', 'files', 'commands', 'precommands', 'text'],
  },
);

const pieces = fc.oneof(
  fc.constantFrom(
    '<',
    '>',
    '&',
    '"',
    "'",
    '/',
    '=',
    ' ',
    '\n',
    ']]>',
    '<!--',
    '-->',
    '<!-- x -->',
    '<![CDATA[',
    '<![CDATA[x]]>',
    '&#65;',
    '&lt;',
    '&nope;',
    '<?x y?>',
    'x',
    '10',
    ' type="url"',
    ' type="base64"',
    ' position="1"',
    ' position=""',
    ' name="n"',
    '<name>n</name>',
    '<name/>',
    '<os/>',
    '<arch>i386</arch>',
    '<packages/>',
    '<package name="p"/>',
    '<commands><command name="c" position="1">x</command></commands>',
    '<disk><size>5 T</size></disk>',
    '<disk><size>5 MB</size></disk>',
    '<signed>yes</signed>',
    '<signed> no </signed>',
    '<sslverify>maybe</sslverify>',
    '<md5sum>http://h.example.org/</md5sum>',
    '<extras><file source="http://h.example.org/" destination="d"/></extras>',
    '<file name="/f" type="base64">QQ==</file>',
    '</name>',
    '</template>',
    '\u00e9',
    '\u00a0',
  ),
  fc.string({ unit: 'grapheme-ascii', maxLength: 3 }),
);

const change = fc.record({
  kind: fc.constantFrom(
    'insert-between',
    'insert-between',
    'insert-anywhere',
    'delete-tag',
    'delete-element',
    'repeat-element',
    'delete-some',
    'upper-case',
  ),
  // Without fast-check's liking for the ends: there, nearly every change breaks the root.
  where: fc.noBias(fc.integer({ min: 0, max: 999_999 })).map(millionths => millionths / 1e6),
  piece: pieces,
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function apply(source: string, { kind, where, piece }: Change): string {
  const tags = [...source.matchAll(/<[^>]*>/g)];
  const tag = tags[Math.floor(where * tags.length)];
  const at = Math.floor(where * source.length);
  const cut = (from: number, to: number, put: string): string =>
    source.slice(0, from) + put + source.slice(to);
  if (tag === undefined) return source + piece;
  const end = tag.index + tag[0].length;
  switch (kind) {
    case 'insert-between':
      return cut(end, end, piece);
    case 'insert-anywhere':
      return cut(at, at, piece);
    case 'delete-tag':
      return cut(tag.index, end, '');
    case 'delete-element':
    case 'repeat-element': {
      const name = /^<([\w.-]+)/.exec(tag[0])?.[1] ?? '';
      const close = tag[0].endsWith('/>') ? end : source.indexOf(`</${name}>`, end) + name.length + 3;
      if (close < end) return source;
      return cut(tag.index, close, kind === 'delete-element' ? '' : source.slice(tag.index, close).repeat(2));
    }
    case 'delete-some':
      return cut(at, at + 1 + piece.length, '');
    case 'upper-case':
      return cut(tag.index, end, tag[0].toUpperCase());
  }
}

/** Texts that were templates once, and mostly aren't any more. */
export const spoiltTemplateArbitrary: fc.Arbitrary<string> = fc
  .tuple(templateArbitrary, fc.array(change, { minLength: 1, maxLength: 2 }))
  .map(([template, changes]) => changes.reduce(apply, printTemplate(template)))
  // A change may have cut a surrogate pair; half of one can't be written to a file.
  .map(text => text.replace(/\p{Cs}/gu, '\uFFFD'));
