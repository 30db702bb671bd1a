import type { Template } from '@imagefactory/plugin-api';
import { type ImageDocument, imageDescription } from '../images/index.js';
import type { Build } from '../jobs/index.js';
import { loadTemplate, templateId, type TemplateOrigin } from '../templates/index.js';
import { accept, assertOpen, recordOf } from './accept.js';
import type { AcceptedOrder, OrderContext, OrderOptions } from './context.js';
import { invalidOrder, orderErrors } from './order-error.js';

/** Characters of a caller's own image uuid; it should be a uuid, and may be any text. */
const imageUuidLimit = 1024;

/** Targets of one order. */
const targetsLimit = 100;

/** Milliseconds that finding a template may take: callers of every door wait 10 s for an answer. */
const templateTimeout = 8_000;

/** An order for target images. Ids are uuids. */
export interface BuildInput {
  /** TDL text, a uuid or a URL; default: the template of the image's latest build. */
  readonly template?: string;
  /** Default: the targets of the image's latest build. */
  readonly targets?: readonly string[];
  /** The image that gets the target images; default: a new one. */
  readonly image?: string;
  /** Its build; default: a new one. */
  readonly build?: string;
  /** `image_uuid` of 2011, kept in the image's record. */
  readonly callerImageUuid?: string;
}

/**
 * Orders a target image for each target: all of them, or none.
 *
 * @throws OrderError with the field that is wrong
 */
export function orderBuild(
  input: BuildInput,
  options: OrderOptions,
  context: OrderContext,
): Promise<AcceptedOrder> {
  return orderErrors(() => build(input, options, context));
}

async function build(
  { image = '', build = '', callerImageUuid, ...input }: BuildInput,
  options: OrderOptions,
  context: OrderContext,
): Promise<AcceptedOrder> {
  const { caller, signal, nameOf } = options;
  const { engine, catalog, log } = context;
  if ((callerImageUuid?.length ?? 0) > imageUuidLimit)
    throw invalidOrder('callerImageUuid', `it is longer than ${imageUuidLimit} characters; give a uuid`);
  const known = image === '' ? undefined : await catalog.image(image);
  const reference = input.template ?? (await templateOf(known, context));
  const targets = input.targets ?? targetsOf(known);
  if (targets.length === 0) throw invalidOrder('targets', 'it is empty; name at least one');
  if (targets.length > targetsLimit)
    throw invalidOrder('targets', `${targets.length} are given; at most ${targetsLimit} are taken at a time`);
  assertOpen(context);
  for (const target of targets) engine.plugins.cloudFor(target);
  const place = await catalog.place(image, build);
  const { text, shown, template, origin, secrets } = await loadTemplate(reference, context.templates, {
    timeout: templateTimeout,
    caller: caller.key,
    ...(signal === undefined ? {} : { signal }),
  });
  // Every fault is found before any job is made.
  for (const target of targets) engine.plan(template, target);
  const about = callerImageUuid === undefined ? {} : { callerImageUuid };
  const order = await accept(
    place,
    context,
    jobs => {
      for (const target of targets)
        jobs.push(engine.create({ descriptor: text, shown, template, target, secrets, ...about }));
    },
    async jobs => {
      const stored = await storedTemplate(reference, origin, context);
      const images = jobs.map(({ id, order: { callerImageUuid: uuid, target } }) => ({
        ...{ id, target, template: stored ?? templateId(shown), adaptor: nameOf(id) },
        ...(uuid === undefined ? {} : { callerImageUuid: uuid }),
      }));
      await catalog.addTargetImages(place, imageDescription(template.name), images, changes =>
        engine.keep(jobs, job => recordOf(options, job), changes),
      );
    },
  );
  for (const job of order.jobs) log.notice(`build ${job.id} accepted: ${describe(job, template)}`);
  return order;
}

/** The uuid of a template that is stored elsewhere and was named by it. Others are stored here under one of their own, without passwords. */
async function storedTemplate(
  reference: string,
  origin: TemplateOrigin,
  { catalog, store }: OrderContext,
): Promise<string | undefined> {
  if (origin !== 'uuid') return undefined;
  const id = reference.trim().toLowerCase();
  // An image's uuid stands for the template that it was made from.
  const isImage =
    (await catalog.imageOf(id)) !== undefined || (await store.get(id).catch(() => undefined)) !== undefined;
  return isImage ? undefined : id;
}

function targetsOf(image: ImageDocument | undefined): readonly string[] {
  const targets = image?.builds.findLast(({ targetImages }) => targetImages.length > 0)?.targetImages;
  if (targets !== undefined) return [...new Set(targets.map(({ target }) => target))];
  throw invalidOrder(
    'targets',
    'it is empty, and no earlier build of the image says what for; name at least one',
  );
}

async function templateOf(image: ImageDocument | undefined, { templates }: OrderContext): Promise<string> {
  if (image === undefined) {
    throw invalidOrder(
      'template',
      'it is empty, and no image is named that has one; give TDL text, a uuid or a URL',
    );
  }
  for (const { id } of [...image.builds].reverse().flatMap(({ targetImages }) => targetImages))
    if ((await templates.store?.lookup(id, {})) !== undefined) return id;
  throw invalidOrder(
    'template',
    `it is empty, and there is no finished image of ${image.id} to take it from`,
  );
}

function describe({ order }: Build, template: Template): string {
  const { target, callerImageUuid } = order;
  const shown = (text: string): string => order.mask(JSON.stringify(text.slice(0, 80)));
  return [
    `target ${target}`,
    template.name === '' ? 'template without a name' : `template ${shown(template.name)}`,
    ...(callerImageUuid === undefined ? [] : [`image_uuid ${shown(callerImageUuid)}`]),
  ].join(', ');
}
