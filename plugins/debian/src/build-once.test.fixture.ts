import { copyFile } from 'node:fs/promises';
import { fakeContext, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { busyboxOs, debianOs } from './index.js';

/**
 * A program that builds one image, to be started under any circumstances. Arguments: `busybox` or `Debian`, a directory for the cache,
 * and the path of the image.
 */
const [name = '', cache = '', image = ''] = process.argv.slice(2);
const template = fakeTemplate({
  name: 'once',
  os: { name, version: '12', arch: 'x86_64', install: { type: 'url', url: 'http://example.com/' } },
  packages: name === 'busybox' ? [] : [{ name: 'libcap2-bin' }],
  files: [{ path: '/etc/from-the-template', content: Buffer.from('so it is\n') }],
  commands: [
    {
      name: 'what programs of the guest see',
      script:
        '{ umask; hostname; date +%Z; env | sort; cat /proc/sys/kernel/hostname; } >/etc/seen; mkdir -p /etc/made/deep; : >/etc/made/deep/file; cp /bin/cat /etc/setuid; chmod 4755 /etc/setuid',
    },
    ...(name === 'busybox'
      ? []
      : [
          {
            name: 'owners and capabilities',
            script:
              'cp /bin/cat /etc/owned; chown 1234:4321 /etc/owned; cp /bin/cat /etc/capable; setcap cap_net_bind_service=ep /etc/capable',
          },
        ]),
  ],
});
const context = await fakeContext({ run: 'real', cache });
try {
  const plugin = name === 'busybox' ? busyboxOs() : debianOs();
  const base = await plugin.buildBase(template, context);
  await copyFile(base.path, image);
} catch (error) {
  console.error(context.log.lines.join('\n'));
  throw error;
} finally {
  await context.dispose();
}
