import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseImage, BuildContext, CloudPlugin, OsPlugin, TargetImage } from '@imagefactory/plugin-api';

/** An OS plugin for tests, named `mock` so that it serves the target `mock`. */
export function fakeOs(buildBase: (context: BuildContext) => Promise<BaseImage> = writeBase): OsPlugin {
  return {
    kind: 'os',
    name: 'mock',
    summary: 'for tests',
    doctor: () => Promise.resolve({ requirements: [] }),
    supports: () => true,
    buildBase: (_template, context) => buildBase(context),
  };
}

/** A cloud plugin for tests with the target `mock`. */
export function fakeCloud(
  buildTarget: (base: BaseImage, context: BuildContext) => Promise<TargetImage> = base =>
    Promise.resolve({ path: base.path, format: base.format }),
): CloudPlugin {
  return {
    kind: 'cloud',
    name: 'mock',
    summary: 'for tests',
    targets: ['mock'],
    doctor: () => Promise.resolve({ requirements: [] }),
    buildTarget: (_target, base, _template, context) => buildTarget(base, context),
  };
}

/** The base image of a build that goes well. */
export async function writeBase({ scratch }: BuildContext): Promise<BaseImage> {
  const path = join(scratch, 'base.raw');
  await writeFile(path, 'body');
  return { path, format: 'raw' };
}
