/** An attribute that an element may have. */
export interface AttributeShape {
  /** It must be there; the value is an example for the error text. */
  readonly required?: string;
}

/** Where and how often an element may stand in its parent. */
export interface ChildShape {
  readonly shape: Shape;
  /** It must be there; the value is the whole element as an example for the error text. */
  readonly required?: string;
  readonly many?: true;
}

/** Everything that an element may hold. What is not named is an error. */
export interface Shape {
  readonly attributes?: Readonly<Record<string, AttributeShape>>;
  /** Children, in any order; without any, the element holds text. */
  readonly children?: Readonly<Record<string, ChildShape>>;
  /** Text is a password or the like: nothing inside may be quoted. */
  readonly secret?: true;
  /** Not looked into. */
  readonly ignored?: true;
}

const text: ChildShape = { shape: {} };
const secret: ChildShape = { shape: { secret: true } };
const list = (name: string, shape: Shape): ChildShape => ({
  shape: { children: { [name]: { shape, many: true } } },
});
const requiredText = (name: string, example: string): ChildShape => ({
  shape: {},
  required: `<${name}>${example}</${name}>`,
});

export const mirrorExample = 'http://mirror.example.org/debian/';

const extra: ChildShape = {
  shape: {
    attributes: {
      source: { required: 'http://example.com/extra' },
      destination: { required: 'extra' },
    },
    children: {},
  },
  many: true,
};

const install: Shape = {
  attributes: { type: { required: 'url' } },
  children: {
    url: text,
    iso: text,
    md5sum: text,
    sha1sum: text,
    sha256sum: text,
    extras: { shape: { children: { directory: extra, file: extra } } },
  },
};

const os: Shape = {
  children: {
    name: requiredText('name', 'Debian'),
    version: requiredText('version', '12'),
    arch: requiredText('arch', 'x86_64'),
    install: {
      shape: install,
      required: `<install type="url"><url>${mirrorExample}</url></install>`,
    },
    rootpw: secret,
    key: secret,
    kernelparam: text,
    icicle: {
      shape: { children: { extra_command: requiredText('extra_command', 'rpm -qa') } },
    },
  },
};

const repository: Shape = {
  attributes: { name: { required: 'extras' } },
  children: {
    url: requiredText('url', 'http://example.com/repo/'),
    signed: text,
    persisted: text,
    sslverify: text,
  },
};

const command: Shape = { attributes: { name: { required: 'setup' }, position: {}, type: {} } };

/** The lists that a partial template is made of. */
const lists = {
  packages: list('package', {
    attributes: { name: { required: 'openssh-server' } },
    children: { repository: text, file: text, arguments: text },
  }),
  repositories: list('repository', repository),
  files: list('file', { attributes: { name: { required: '/etc/motd' }, type: {} } }),
  commands: list('command', command),
} as const;

/** A whole template, as Oz's `tdl.rng` has it. */
export const completeShape = {
  attributes: { version: {} },
  children: {
    name: requiredText('name', 'my-image'),
    os: {
      shape: os,
      required: `<os> with <name>, <version>, <arch> and <install>`,
    },
    description: text,
    ...lists,
    precommands: list('command', command),
    disk: { shape: { children: { size: requiredText('size', '10G') } } },
  },
} as const satisfies Shape;

/** What `build_image` takes: the target mock builds templates that name no operating system. */
export const buildShape: Shape = {
  ...completeShape,
  children: { ...completeShape.children, os: { shape: os } },
};

const ignored: ChildShape = { shape: { ignored: true } };

/** Additions to an image that is there already: only lists are read. */
export const partialShape: Shape = {
  attributes: { version: {} },
  children: {
    ...lists,
    name: ignored,
    os: ignored,
    description: ignored,
    precommands: ignored,
    disk: ignored,
  },
};
