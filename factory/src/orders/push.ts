import {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  type TargetImageDocument,
  type StoredImage,
} from '../images/index.js';
import type { RemoteImage } from '../jobs/index.js';
import { assertDeclared, type FoundProvider, readCredentials } from '../plugins/index.js';
import { accept, assertOpen, recordOf } from './accept.js';
import type { AcceptedOrder, OrderContext, OrderOptions } from './context.js';
import { invalidOrder, type OrderField, orderErrors } from './order-error.js';

/** Milliseconds that looking for an image elsewhere may take: callers of every door wait 10 s for an answer. */
const remoteTimeout = 8_000;

/** Providers of one order. */
const providersLimit = 100;

/** An order that takes one target image to one provider. */
export interface TargetImagePushInput {
  /** Uuid. */
  readonly targetImage: string;
  /** A name or a definition. */
  readonly provider: string;
  /** XML. */
  readonly credentials: string;
}

/** An order that takes a build of an image to some providers, each of which gets the target image that it takes. */
export interface PushInput {
  /** Uuid. */
  readonly image: string;
  /** Uuid; default: the latest build that was not pushed. */
  readonly build?: string;
  /** Names or definitions. */
  readonly providers: readonly string[];
  /** XML. */
  readonly credentials: string;
}

/** @throws OrderError with the field that is wrong */
export function orderTargetImagePush(
  { targetImage: id, provider, credentials }: TargetImagePushInput,
  options: OrderOptions,
  context: OrderContext,
): Promise<AcceptedOrder> {
  return orderErrors(async () => {
    const { catalog, providers, remote } = context;
    const signal = searchSignal(options);
    if ((await catalog.imageOf(id)) === undefined) await remote?.adoptTargetImage(id, signal);
    const image = await catalog.imageOf(id);
    const build = image?.builds.find(({ targetImages }) => targetImages.some(target => target.id === id));
    const targetImage = build?.targetImages.find(target => target.id === id);
    if (image === undefined || build === undefined || targetImage === undefined) {
      throw invalidOrder(
        'targetImage',
        `${JSON.stringify(id.slice(0, 60))} is no target image; give image_id of a build's adaptor`,
      );
    }
    const found = await providers.find(provider);
    assertPushed(targetImage.target, context);
    const target = targetOf(found, context);
    if (target !== targetImage.target) {
      throw invalidOrder(
        'providers',
        `${shown(found)} takes images of the target ${target}, and this one is of ${targetImage.target}`,
      );
    }
    const push = await pushOf(targetImage, found, 'targetImage', signal, context);
    return await takePushes({ image, build, pushes: [push], credentials }, options, context);
  });
}

/** @throws OrderError with the field that is wrong */
export function orderPush(
  input: PushInput,
  options: OrderOptions,
  context: OrderContext,
): Promise<AcceptedOrder> {
  return orderErrors(async () => {
    const { catalog, providers, remote } = context;
    const named = input.build ?? '';
    const signal = searchSignal(options);
    const known = await catalog.image(input.image);
    if (known === undefined || (named !== '' && buildIn(known, named) === undefined))
      await remote?.adoptBuild(input.image, named, signal);
    const image = await catalog.image(input.image);
    if (image === undefined) {
      throw invalidOrder(
        'image',
        `${JSON.stringify(input.image.slice(0, 60))} is no image; give that of a build's adaptor`,
      );
    }
    const build = buildFor(image, named);
    const { length } = input.providers;
    if (length === 0) throw invalidOrder('providers', 'it is empty; name at least one');
    if (length > providersLimit)
      throw invalidOrder('providers', `${length} are given; at most ${providersLimit} are taken at a time`);
    const pushes: Push[] = [];
    for (const text of input.providers) {
      const found = await providers.find(text);
      pushes.push(await pushOf(imageFor(build, found, context), found, 'providers', signal, context));
    }
    return await takePushes({ image, build, pushes, credentials: input.credentials }, options, context);
  });
}

/** One image on its way to one provider. */
interface Push extends Pick<FoundProvider, 'provider' | 'secrets'> {
  readonly target: string;
  readonly targetImage: string;
  readonly image: StoredImage | RemoteImage;
}

interface Pushes {
  readonly image: ImageDocument;
  readonly build: BuildDocument;
  readonly pushes: readonly Push[];
  readonly credentials: string;
}

async function takePushes(
  { image, build, pushes, ...input }: Pushes,
  options: OrderOptions,
  context: OrderContext,
): Promise<AcceptedOrder> {
  const { nameOf } = options;
  const { engine, catalog, log } = context;
  assertOpen(context);
  const { credentials, secrets } = readCredentials(input.credentials);
  for (const { target, provider } of pushes)
    assertDeclared(engine.plugins.cloudFor(target), provider, credentials);
  const order = await accept(
    { image: image.id, build: build.id },
    context,
    jobs => {
      for (const push of pushes)
        jobs.push(engine.createPush({ ...push, credentials, secrets: [...secrets, ...push.secrets] }));
    },
    async jobs => {
      const images = jobs.map(({ id, order: { push } }) => ({
        // The name of the provider as others may see it.
        ...{ id, targetImage: push?.targetImage ?? '', provider: push?.provider ?? '', adaptor: nameOf(id) },
      }));
      await catalog.addProviderImages(image.id, images, changes =>
        engine.keep(jobs, job => recordOf(options, job), changes),
      );
    },
  );
  for (const [index, job] of order.jobs.entries()) {
    const name = JSON.stringify(pushes[index]?.provider.name ?? '');
    log.notice(`push ${job.id} accepted: image ${image.id} to ${job.order.mask(name)}`);
  }
  return order;
}

function searchSignal({ signal }: OrderOptions): AbortSignal {
  const limit = AbortSignal.timeout(remoteTimeout);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

/** The build that is named, or else the one that waits to be pushed. */
function buildFor(image: ImageDocument, id: string): BuildDocument {
  const { latestUnpushed } = image;
  if (id === '' && latestUnpushed === undefined) {
    throw invalidOrder(
      'build',
      `it is empty, and ${image.id} has no build that was not pushed yet; name one`,
    );
  }
  const build = buildIn(image, id === '' ? (latestUnpushed ?? '') : id);
  if (build === undefined)
    throw invalidOrder('build', `${JSON.stringify(id.slice(0, 60))} is no build of ${image.id}`);
  return build;
}

/** The target image that a provider takes: a finished one that was not deleted, if there is any. */
function imageFor(build: BuildDocument, found: FoundProvider, context: OrderContext): TargetImageDocument {
  if (found.target === undefined) for (const { target } of build.targetImages) assertPushed(target, context);
  const wanted = targetOf(found, context);
  const candidates = build.targetImages.filter(({ target }) => target === wanted);
  const finished = candidates.filter(({ outcome }) => outcome.status === 'COMPLETED');
  const image =
    finished.findLast(({ deleted }) => deleted === undefined) ?? finished.at(-1) ?? candidates.at(-1);
  if (image !== undefined) return image;
  const there = [...new Set(build.targetImages.map(({ target }) => target))].join(', ');
  throw invalidOrder(
    'providers',
    `${shown(found)} takes images of the target ${wanted}, and build ${build.id} has none; it has ${there === '' ? 'no image at all' : there}`,
  );
}

/** @param imageField the field that names the image */
async function pushOf(
  { id, target, outcome, adaptor, deleted }: TargetImageDocument,
  { provider, secrets }: FoundProvider,
  imageField: OrderField,
  signal: AbortSignal,
  context: OrderContext,
): Promise<Push> {
  const { store, remote } = context;
  assertPushed(target, context);
  if (outcome.status === 'FAILED')
    throw invalidOrder(imageField, `target image ${id} has failed: ${outcome.info}`);
  // An image that a killed process has stored is there, whatever its record says.
  const here = await store.get(id).catch(() => undefined);
  const isRunning = outcome.status === 'RUNNING';
  const image = here ?? (isRunning ? undefined : await remote?.find(id, signal));
  if (image === undefined) {
    const elsewhere = remote === undefined ? '' : ', and is not in the warehouse';
    const when = deleted === undefined ? '' : ` on ${deleted.slice(0, 10)}`;
    const gone =
      adaptor === undefined
        ? 'was made elsewhere and has no body here'
        : `was deleted here${when}${elsewhere}; build it again`;
    const why = isRunning ? 'is not finished yet; wait for it' : gone;
    throw invalidOrder(imageField, `target image ${id} ${why}`);
  }
  return { provider, target, targetImage: id, image, secrets };
}

/** @throws OrderError if no plugin takes images of the target anywhere, BuildError if there is none */
function assertPushed(target: string, { engine }: OrderContext): void {
  const cloud = engine.plugins.cloudFor(target);
  if (cloud.push !== undefined) return;
  throw invalidOrder('providers', `the plugin ${cloud.name} of this agent takes images of ${target} nowhere`);
}

/** @throws OrderError if nothing here knows the provider */
function targetOf(found: FoundProvider, { engine }: OrderContext): string {
  if (found.target !== undefined) return found.target;
  const known = engine.plugins.providerNames.map(name => JSON.stringify(name)).join(', ');
  throw invalidOrder(
    'providers',
    `no plugin knows ${shown(found)}; names begin with ${known}, or give a definition with its target`,
  );
}

function shown({ provider, secrets }: FoundProvider): string {
  return secrets.length === 0 ? JSON.stringify(provider.name) : 'the provider defined';
}
