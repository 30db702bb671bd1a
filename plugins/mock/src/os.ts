import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseImage, BuildContext, OsPlugin, Template } from '@imagefactory/plugin-api';
import { describe } from './description.js';
import { defaultStepDelay, failIfAsked, type MockOptions, walk } from './steps.js';

/** An OS plugin that needs nothing: the base image is a short text. It takes every template, even an empty one. */
export function mockOs(options: MockOptions = {}): OsPlugin {
  const delay = options.stepDelay ?? defaultStepDelay;
  return {
    kind: 'os',
    name: 'mock',
    summary: 'A base image that is a few lines of text, for trying things out',
    doctor: async () => Promise.resolve({ requirements: [] }),
    supports: () => true,
    resumable: options.resumable ?? false,
    buildBase: (template, context) => buildBase(template, context, delay),
  };
}

async function buildBase(template: Template, context: BuildContext, delay: number): Promise<BaseImage> {
  // With 20 % of a build for the base image these are the original's 5, 10, 15 and 20 %.
  await walk(context, 'making the mock base image', [0.25, 0.5, 0.75, 1], delay, () => failIfAsked(template));
  const path = join(context.scratch, 'mock-base.yml');
  await writeFile(path, describe(template));
  context.log.info(`mock base image written to ${path}`);
  const packages = template.packages.map(({ name }) => ({
    name,
    version: 'mock',
    arch: 'all',
    type: 'generic',
  }));
  return { path, format: 'mock', ...(packages.length === 0 ? {} : { packages }) };
}
