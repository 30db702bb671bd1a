import type { TemplateInstall, TemplateOs } from '@imagefactory/plugin-api';
import type { Shape, TemplateElement } from './element.js';
import { quoted } from './template-error.js';
import { readUrl } from './values.js';

const architectures = ['i386', 'x86_64', 'ppc64', 'ppc64le', 'aarch64', 'armv7l', 's390x'];

export const osShape: Shape = {
  children: {
    name: 'once',
    version: 'once',
    arch: 'once',
    install: 'once',
    rootpw: 'once',
    kernelparam: 'once',
  },
  unsupported: {
    key: 'no plugin of this version installs with a product key',
    icicle: 'this version makes no list of the packages it installed',
  },
};

const checksum = 'this version does not check it, and would build from something else without a word';
const installShape: Shape = {
  attributes: ['type'],
  children: { url: 'once', iso: 'once' },
  unsupported: {
    md5sum: checksum,
    sha1sum: checksum,
    sha256sum: checksum,
    extras: 'no plugin of this version installs from an ISO',
  },
};

const mirrorExample = 'http://deb.debian.org/debian/';

/** Reads `<os>`. */
export function readOs(os: TemplateElement): TemplateOs {
  const name = os.requiredChild('name', '<name>Debian</name>').requiredText('Debian');
  const version = os.requiredChild('version', '<version>12</version>').requiredText('12');
  const archElement = os.requiredChild('arch', '<arch>x86_64</arch>');
  const arch = archElement.requiredText('x86_64');
  if (!architectures.includes(arch)) {
    throw archElement.error(`<arch> is ${quoted(arch)}`, `write one of ${architectures.join(', ')}`);
  }
  const install = os.requiredChild(
    'install',
    `<install type="url"><url>${mirrorExample}</url></install>`,
    installShape,
  );
  const rootPassword = os.child('rootpw');
  const kernelParameters = os.child('kernelparam')?.trimmed;
  return {
    name,
    version,
    arch,
    install: readInstall(install),
    ...(rootPassword === undefined ? {} : { rootPassword: readPassword(rootPassword) }),
    ...(kernelParameters === undefined || kernelParameters === '' ? {} : { kernelParameters }),
  };
}

function readInstall(install: TemplateElement): TemplateInstall {
  const type = install.requiredAttribute('type', 'url');
  if (type !== 'url' && type !== 'iso') {
    throw install.error(`<install> has the type ${quoted(type)}`, 'write type="url" or type="iso"');
  }
  const other = type === 'url' ? 'iso' : 'url';
  const example = type === 'url' ? mirrorExample : 'http://example.com/image.iso';
  if (install.child(other) !== undefined) {
    throw install.error(
      `<install type="${type}"> has an <${other}>`,
      `write <${type}>${example}</${type}> in its place`,
    );
  }
  const place = readUrl(install.requiredChild(type, `<${type}>${example}</${type}>`), example);
  return type === 'url' ? { type, url: place } : { type, iso: place };
}

/** Characters; a password is searched for in every line of output, and crypt(3) doesn't take longer ones anyway. */
const passwordLimit = 512;

/** The password as it is, blanks included: trimming would set another one than the author reads. */
function readPassword(element: TemplateElement): string {
  if (element.trimmed === '') {
    throw element.error(
      '<rootpw> is empty',
      'write a password, or leave the element out for a locked account',
    );
  }
  if (element.text.length > passwordLimit) {
    throw element.error(`<rootpw> has more than ${passwordLimit} characters`, 'choose a shorter password');
  }
  if (/[\r\n]/.test(element.text)) {
    throw element.error('<rootpw> has a line break', 'write the password on the line of its tags');
  }
  return element.text;
}
