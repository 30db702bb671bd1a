import { isAbsolute, relative, resolve } from 'node:path';
import {
  type BaseImage,
  type BuildContext,
  BuildError,
  type Progress,
  type PushedImage,
  type TargetImage,
} from '@imagefactory/plugin-api';
import type { BuildWork, PushWork } from './build.js';
import type { ImageRecords } from './image-records.js';

/** An image in the scratch directory, ready for the store. */
export interface MadeImage extends TargetImage {
  readonly base: BaseImage;
}

/** Calls a plugin by name with a context for one step. */
export type PluginCall = <T>(
  name: string,
  progress: Progress,
  work: (context: BuildContext) => Promise<T>,
) => Promise<T>;

/** Has the OS plugin make a base image, and the cloud plugin a target image of it. */
export async function makeImage(
  { template, plan }: BuildWork,
  scratch: string,
  root: Progress,
  call: PluginCall,
  records: Pick<ImageRecords, 'beginBase' | 'describeBase'>,
): Promise<MadeImage> {
  const base = await root.step('making the base image', plan.baseShare, async progress => {
    records.beginBase(plan.baseShare);
    const image = await call(plan.os.name, progress, context => plan.os.buildBase(template, context));
    assertImage(image, plan.os.name, scratch);
    records.describeBase(image);
    return image;
  });
  const target = await root.step('making the target image', 1 - plan.baseShare, async progress => {
    const image = await call(plan.cloud.name, progress, context =>
      plan.cloud.buildTarget(plan.target, base, template, context),
    );
    assertImage(image, plan.cloud.name, scratch);
    return image;
  });
  return { path: target.path, format: target.format, base };
}

/** Has the cloud plugin take a target image to a provider. */
export async function pushImage(
  { cloud, order, image }: PushWork,
  scratch: string,
  root: Progress,
  call: PluginCall,
  signal: AbortSignal,
): Promise<PushedImage> {
  const isHere = !('fetch' in image);
  const stored = isHere
    ? image
    : await root.step('fetching the image from the warehouse', 0.3, progress =>
        image.fetch({ scratch, signal, progress }),
      );
  return await root.step(`pushing the image to ${order.provider.name}`, isHere ? 1 : 0.7, async progress => {
    const pushed = await call(cloud.name, progress, async context => {
      if (cloud.push !== undefined) return await cloud.push({ ...order, image: stored }, context);
      throw new BuildError('target_unsupported', `the plugin ${cloud.name} takes images nowhere`);
    });
    // Plugins may be plain JavaScript.
    const given: unknown = pushed;
    if (typeof given !== 'object' || given === null || typeof pushed.identifierOnProvider !== 'string') {
      throw new BuildError('internal', `plugin ${cloud.name} did not say what the provider calls the image`);
    }
    assertImage(pushed.record, cloud.name, scratch);
    return pushed;
  });
}

/** Plugins may be plain JavaScript, and what they name is going to be moved into the store. */
function assertImage(image: unknown, plugin: string, scratch: string): asserts image is TargetImage {
  const wrong = (what: string): BuildError => new BuildError('internal', `plugin ${plugin} ${what}`);
  if (typeof image !== 'object' || image === null || !('path' in image) || !('format' in image)) {
    throw wrong('gave no image');
  }
  if (typeof image.path !== 'string' || typeof image.format !== 'string') throw wrong('gave no image');
  const inside = relative(scratch, resolve(image.path));
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw wrong(`gave an image outside of its scratch directory: ${image.path}`);
  }
}
