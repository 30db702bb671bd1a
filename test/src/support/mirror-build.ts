import { debianOs } from '@imagefactory/plugin-debian';
import { BuildError } from '@imagefactory/plugin-api';
import { fakeContext, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { plainSandboxes } from './plain-sandbox.js';

/**
 * A program that builds a small system from a mirror, to be started where the mirror's key is trusted. Arguments: the mirror's URL, `sandbox`
 * or `plain`. It prints its user, the build's end, and the lines of its log.
 */
const [uri = '', kind = 'sandbox'] = process.argv.slice(2);
const context = await fakeContext({ run: 'real' });
const template = fakeTemplate({
  name: 'small',
  os: { name: 'Debian', version: '12', arch: 'x86_64', install: { type: 'url', url: 'http://example.com/' } },
  packages: [{ name: 'in-the-template' }],
});
const plugin = debianOs({
  diskSize: 2 * 1024 ** 3,
  hostSources: () => Promise.resolve([{ uri, suite: 'bookworm', components: ['main'] }]),
});
console.log(`user: ${process.getuid?.() ?? 'unknown'}`);
try {
  const sandbox = kind === 'plain' ? plainSandboxes(context.run, context.scratch) : context.sandbox;
  const { packages = [] } = await plugin.buildBase(template, { ...context, sandbox });
  console.log(`built: ${packages.map(({ name }) => name).join(' ')}`);
} catch (error) {
  console.log(`failed: ${BuildError.from(error).message}`);
} finally {
  for (const line of context.log.lines) console.log(line);
  await context.dispose();
}
