import {
  AgentException,
  exceptionCodes,
  type InputsOf,
  type MethodCall,
  type PlainMap,
} from '@imagefactory/qmf';
import { ADAPTOR_PREFIX, type ImageFactory, type ImageFactory2012 } from '@imagefactory/schema';
import type { Template } from '@imagefactory/plugin-api';
import { shownCaller } from './shown-caller.js';
import { allDone, type Build } from '@imagefactory/factory/jobs';
import { type ImageDocument, imageDescription } from '@imagefactory/factory/catalog';
import { loadTemplate, type TemplateOrigin } from '@imagefactory/factory/templates';
import { publishAdaptor } from './adaptor.js';
import { giveUp } from './give-up.js';
import { keepFinished } from './keep-finished.js';
import { namesIn, naming } from './names.js';
import type { FactoryParts } from './parts.js';
import { invalid } from './refusal.js';

/** Characters of an `image_uuid` that are kept; it should be a uuid, and may be any text. */
const imageUuidLimit = 1024;

/** Targets that one call may name. */
const targetsLimit = 100;

/** Milliseconds that finding a template may take: consoles wait 10 s for an answer, and must not give up on a build that begins. */
const templateTimeout = 8_000;

/** `build_image` as of 2011. `sec_credentials` are not looked at or kept: this form pushes nothing. */
export async function buildSingle(
  inputs: InputsOf<typeof ImageFactory, 'build_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap> {
  const { descriptor, target, image_uuid: callerImageUuid } = inputs;
  if ((callerImageUuid?.length ?? 0) > imageUuidLimit) {
    throw invalid('image_uuid', `it is longer than ${imageUuidLimit} characters; give a uuid`);
  }
  const [adaptor] = await takeOrder(
    {
      template: descriptor,
      targets: [target],
      image: '',
      build: '',
      nameOf: id => `${ADAPTOR_PREFIX}${id}`,
      ...(typeof callerImageUuid === 'string' ? { callerImageUuid } : {}),
    },
    call,
    parts,
  );
  return theOne(adaptor);
}

/** `image`: one target, always a new image. */
export async function buildOne(
  { template, target }: InputsOf<typeof ImageFactory2012, 'image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap> {
  const order = { template, targets: [target], image: '', build: '', nameOf: naming('image') };
  const [adaptor] = await takeOrder(order, call, parts);
  return theOne(adaptor);
}

/** `build_image` as of 2012: an image, new or not, for some targets. */
export async function buildList(
  inputs: InputsOf<typeof ImageFactory2012, 'build_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap[]> {
  const image = inputs.image ?? '';
  const known = image === '' ? undefined : parts.catalog.image(image);
  const template = inputs.template ?? '';
  return await takeOrder(
    {
      template: template === '' ? await templateOf(known, parts) : template,
      targets:
        inputs.targets.length === 0 ? targetsOf(known) : namesIn('targets', inputs.targets, targetsLimit),
      image,
      build: inputs.build ?? '',
      nameOf: naming('build_image'),
    },
    call,
    parts,
  );
}

interface Order {
  /** As the caller names it: text, uuid or URL. */
  readonly template: string;
  readonly targets: readonly string[];
  /** Uuids; empty for new ones. */
  readonly image: string;
  readonly build: string;
  readonly callerImageUuid?: string;
  /** The name of the adaptor of a build. */
  readonly nameOf: (id: string) => string;
}

/**
 * Checks a request, puts an adaptor for each target on the bus and gives their addresses: all of them, or none. The builds themselves
 * start once the answer is on its way, so that no event about them comes before.
 */
async function takeOrder(order: Order, call: MethodCall, parts: FactoryParts): Promise<PlainMap[]> {
  const { engine, catalog, log } = parts;
  const { targets } = order;
  const { refusal } = engine;
  if (refusal !== undefined) throw new AgentException(refusal, exceptionCodes.exception);
  for (const target of targets) engine.plugins.cloudFor(target);
  const place = catalog.place(order.image, order.build);
  const { text, shown, template, origin, secrets } = await loadTemplate(order.template, parts.templates, {
    signal: call.signal,
    timeout: templateTimeout,
    caller: call.caller.key,
  });
  // Whatever can be wrong with one is found before any is made.
  for (const target of targets) engine.plan(template, target);
  const builds: Build[] = [];
  try {
    for (const target of targets) {
      const { callerImageUuid } = order;
      const about = callerImageUuid === undefined ? {} : { callerImageUuid };
      builds.push(engine.create({ descriptor: text, shown, template, target, secrets, ...about }));
    }
    const stored = await storedTemplate(order.template, origin, parts);
    const templateId = stored ?? catalog.templates.idOf(shown);
    const description = imageDescription(template.name);
    const facts = { ...place, template: templateId, description };
    // Before anybody is told that they are accepted: from here on not even the end of the process loses them.
    const kept = allDone([
      ...builds.map(build =>
        engine.keep(build, {
          caller: shownCaller(call.caller),
          adaptor: order.nameOf(build.id),
          place: facts,
        }),
      ),
      ...(stored === undefined ? [catalog.templates.put(shown)] : []),
    ]);
    // On record only then, since a restart mends a record that is missing, and finds none that nobody will ever end. Nothing is given up
    // before all have come to their end.
    await catalog
      .addTargetImages(
        place,
        description,
        builds.map(({ id, order: { target } }) => ({
          id,
          target,
          template: templateId,
          adaptor: order.nameOf(id),
        })),
        kept,
      )
      .finally(() => kept);
  } catch (error) {
    giveUp(builds, parts);
    throw error;
  }
  call.afterReply(() => {
    for (const build of builds) engine.start(build);
  });
  return builds.map(build => {
    const view = { ...place, name: order.nameOf(build.id) };
    const { addressMap } = publishAdaptor(parts, build, view, keepFinished(build, parts));
    log.notice(`build ${build.id} accepted: ${describe(build, template)}`);
    return addressMap;
  });
}

/** The uuid of a template that was named by it and is stored elsewhere; others are kept under one of their own, without passwords. */
async function storedTemplate(
  reference: string,
  origin: TemplateOrigin,
  { catalog, store }: FactoryParts,
): Promise<string | undefined> {
  if (origin !== 'uuid') return undefined;
  const id = reference.trim().toLowerCase();
  // An image's uuid stands for the template that it was made from.
  const isImage =
    catalog.imageOf(id) !== undefined || (await store.get(id).catch(() => undefined)) !== undefined;
  if (isImage) return undefined;
  // It may be one of our own that nothing was made from for long.
  catalog.templates.renew(id);
  return id;
}

/** What the image was last built for. */
function targetsOf(image: ImageDocument | undefined): readonly string[] {
  const targets = image?.builds.findLast(({ targetImages }) => targetImages.length > 0)?.targetImages;
  if (targets !== undefined) return [...new Set(targets.map(({ target }) => target))];
  throw invalid('targets', 'it is empty, and no earlier build of the image says what for; name at least one');
}

/** The template of the image's latest build. */
async function templateOf(image: ImageDocument | undefined, parts: FactoryParts): Promise<string> {
  if (image === undefined) {
    throw invalid(
      'template',
      'it is empty, and no image is named that has one; give TDL text, a uuid or a URL',
    );
  }
  for (const { id } of [...image.builds].reverse().flatMap(({ targetImages }) => targetImages)) {
    if ((await parts.templates.store?.lookup(id, {})) !== undefined) return id;
  }
  throw invalid('template', `it is empty, and there is no finished image of ${image.id} to take it from`);
}

function theOne(adaptor: PlainMap | undefined): PlainMap {
  if (adaptor === undefined) throw new Error('an order for one target made no build');
  return adaptor;
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
