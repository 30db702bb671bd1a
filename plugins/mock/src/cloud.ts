import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseImage, BuildContext, CloudPlugin, TargetImage, Template } from '@imagefactory/plugin-api';
import { describe } from './description.js';
import { push } from './push.js';
import { defaultStepDelay, failIfAsked, type MockOptions, walk } from './steps.js';

/** A cloud plugin for the target `mock`; it needs nothing and takes any base image. */
export function mockCloud(options: MockOptions = {}): CloudPlugin {
  const delay = options.stepDelay ?? defaultStepDelay;
  return {
    kind: 'cloud',
    name: 'mock',
    summary: 'The target `mock`: a text file in place of an image',
    targets: ['mock'],
    doctor: async () => Promise.resolve({ requirements: [] }),
    buildTarget: (_target, base, template, context) => buildTarget(base, template, context, delay),
    push: (order, context) => push(order, context, delay),
  };
}

async function buildTarget(
  base: BaseImage,
  template: Template,
  context: BuildContext,
  delay: number,
): Promise<TargetImage> {
  // With 80 % of a build for the target image these are the original's 50, 75, 95 and 100 %.
  await walk(context, 'making the mock target image', [0.375, 0.6875, 0.9375, 1], delay, () =>
    failIfAsked(template),
  );
  const path = join(context.scratch, 'mock-target.yml');
  if (base.format === 'mock') await copyFile(base.path, path);
  else await writeFile(path, describe(template));
  context.log.info(`mock target image written to ${path}`);
  return { path, format: 'mock' };
}
