import type { Provider } from '@imagefactory/plugin-api';
import {
  AgentException,
  exceptionCodes,
  type InputsOf,
  type MethodCall,
  type PlainMap,
} from '@imagefactory/qmf';
import type { ImageFactory2012 } from '@imagefactory/schema';
import { shownCaller } from './shown-caller.js';
import { allDone, type Build, type RemoteImage } from '@imagefactory/factory/jobs';
import {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  type TargetImageDocument,
} from '@imagefactory/factory/catalog';
import type { StoredImage } from '@imagefactory/factory/images';
import { type FoundProvider, readCredentials } from '@imagefactory/factory/plugins';
import { publishAdaptor } from './adaptor.js';
import { giveUp } from './give-up.js';
import { keepFinished } from './keep-finished.js';
import { namesIn, naming } from './names.js';
import type { FactoryParts } from './parts.js';
import { invalid } from './refusal.js';

/** Milliseconds that looking for an image elsewhere may take: consoles wait 10 s for an answer. */
const remoteTimeout = 8_000;

/** Providers that one call may name. */
const providersLimit = 100;

/** One image on its way to one provider. */
interface Push {
  readonly provider: Provider;
  readonly target: string;
  readonly targetImage: string;
  readonly image: StoredImage | RemoteImage;
  readonly secrets: readonly string[];
}

/** `provider_image`: a target image goes to one provider. */
export async function pushOne(
  inputs: InputsOf<typeof ImageFactory2012, 'provider_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap> {
  const { image_id: id } = inputs;
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(remoteTimeout)]);
  if (parts.catalog.imageOf(id) === undefined) await parts.remote?.adoptTargetImage(id, signal);
  const image = parts.catalog.imageOf(id);
  const build = image?.builds.find(({ targetImages }) => targetImages.some(target => target.id === id));
  const targetImage = build?.targetImages.find(target => target.id === id);
  if (image === undefined || build === undefined || targetImage === undefined) {
    throw invalid(
      'image_id',
      `${JSON.stringify(id.slice(0, 60))} is no target image; give image_id of a build's adaptor`,
    );
  }
  const found = await parts.providers.find(inputs.provider);
  if (found.target !== targetImage.target) {
    throw invalid(
      'provider',
      `${shown(found)} takes images of the target ${found.target}, and this one is of ${targetImage.target}`,
    );
  }
  const names = { provider: 'provider', image: 'image_id', signal };
  const push = await pushOf(targetImage, found, names, parts);
  const [adaptor] = await takePushes(
    { method: 'provider_image', image, build, pushes: [push], credentials: inputs.credentials },
    call,
    parts,
  );
  if (adaptor === undefined) throw new Error('an order for one provider made no push');
  return adaptor;
}

/** `push_image`: a build of an image goes to some providers, each of which gets the target image that it takes. */
export async function pushList(
  inputs: InputsOf<typeof ImageFactory2012, 'push_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap[]> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(remoteTimeout)]);
  const known = parts.catalog.image(inputs.image);
  if (
    known === undefined ||
    ((inputs.build ?? '') !== '' && buildIn(known, inputs.build ?? '') === undefined)
  ) {
    await parts.remote?.adoptBuild(inputs.image, inputs.build ?? '', signal);
  }
  const image = parts.catalog.image(inputs.image);
  if (image === undefined) {
    throw invalid(
      'image',
      `${JSON.stringify(inputs.image.slice(0, 60))} is no image; give that of a build's adaptor`,
    );
  }
  const build = buildFor(image, inputs.build ?? '');
  const providers = namesIn('providers', inputs.providers, providersLimit);
  if (providers.length === 0) throw invalid('providers', 'it is empty; name at least one');
  const pushes: Push[] = [];
  for (const text of providers) {
    const found = await parts.providers.find(text);
    pushes.push(
      await pushOf(
        imageFor(build, found),
        found,
        { provider: 'providers', image: 'providers', signal },
        parts,
      ),
    );
  }
  return await takePushes(
    { method: 'push_image', image, build, pushes, credentials: inputs.credentials },
    call,
    parts,
  );
}

interface PushOrder {
  readonly method: string;
  readonly image: ImageDocument;
  readonly build: BuildDocument;
  readonly pushes: readonly Push[];
  /** As the caller gave them. */
  readonly credentials: string;
}

/** Puts an adaptor for each push on the bus and gives their addresses: all of them, or none. They start when that is answered. */
async function takePushes(order: PushOrder, call: MethodCall, parts: FactoryParts): Promise<PlainMap[]> {
  const { engine, catalog, log } = parts;
  const { refusal } = engine;
  if (refusal !== undefined) throw new AgentException(refusal, exceptionCodes.exception);
  const { credentials, secrets } = readCredentials(order.credentials);
  const nameOf = naming(order.method);
  const builds: Build[] = [];
  try {
    for (const push of order.pushes) {
      builds.push(engine.createPush({ ...push, credentials, secrets: [...secrets, ...push.secrets] }));
    }
    const kept = allDone(
      builds.map(build =>
        engine.keep(build, { caller: shownCaller(call.caller), adaptor: nameOf(build.id) }),
      ),
    );
    await catalog
      .addProviderImages(
        order.image.id,
        order.pushes.map(({ targetImage, provider }, index) => {
          const id = builds[index]?.id ?? '';
          // As others may see it, for it goes where others look.
          const shownName = builds[index]?.order.push?.provider ?? provider.name;
          return { id, targetImage, provider: shownName, adaptor: nameOf(id) };
        }),
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
  return builds.map((build, index) => {
    const view = { image: order.image.id, build: order.build.id, name: nameOf(build.id) };
    const { addressMap } = publishAdaptor(parts, build, view, keepFinished(build, parts));
    const provider = order.pushes[index]?.provider.name ?? '';
    log.notice(
      `push ${build.id} accepted: image ${order.image.id} to ${build.order.mask(JSON.stringify(provider))}`,
    );
    return addressMap;
  });
}

/** The build that is named, or else the one that waits to be pushed. */
function buildFor(image: ImageDocument, id: string): BuildDocument {
  const { latestUnpushed } = image;
  if (id === '' && latestUnpushed === undefined) {
    throw invalid('build', `it is empty, and ${image.id} has no build that was not pushed yet; name one`);
  }
  const build = buildIn(image, id === '' ? (latestUnpushed ?? '') : id);
  if (build === undefined)
    throw invalid('build', `${JSON.stringify(id.slice(0, 60))} is no build of ${image.id}`);
  return build;
}

/** The target image that a provider takes: a finished one that was not deleted, if there is any. */
function imageFor(build: BuildDocument, found: FoundProvider): TargetImageDocument {
  const candidates = build.targetImages.filter(({ target }) => target === found.target);
  const finished = candidates.filter(({ outcome }) => outcome.status === 'COMPLETED');
  const image =
    finished.findLast(({ deleted }) => deleted === undefined) ?? finished.at(-1) ?? candidates.at(-1);
  if (image !== undefined) return image;
  const there = [...new Set(build.targetImages.map(({ target }) => target))].join(', ');
  throw invalid(
    'providers',
    `${shown(found)} takes images of the target ${found.target}, and build ${build.id} has none; it has ${there === '' ? 'no image at all' : there}`,
  );
}

/** The arguments that a refused push is blamed on. */
interface PushArguments {
  /** For what cannot go there. */
  readonly provider: string;
  /** For an image that cannot go anywhere. */
  readonly image: string;
  readonly signal: AbortSignal;
}

async function pushOf(
  { id, target, outcome, adaptor, deleted }: TargetImageDocument,
  { provider, secrets }: FoundProvider,
  names: PushArguments,
  { engine, store, remote }: FactoryParts,
): Promise<Push> {
  const cloud = engine.plugins.cloudFor(target);
  if (cloud.push === undefined) {
    throw invalid(names.provider, `the plugin ${cloud.name} of this agent takes images of ${target} nowhere`);
  }
  if (outcome.status === 'FAILED')
    throw invalid(names.image, `target image ${id} has failed: ${outcome.info}`);
  // What a killed agent has stored is there, whatever is on record of it.
  const here = await store.get(id).catch(() => undefined);
  const isRunning = outcome.status === 'RUNNING';
  const image = here ?? (isRunning ? undefined : await remote?.find(id, names.signal));
  if (image === undefined) {
    const elsewhere = remote === undefined ? '' : ', and is not in the warehouse';
    const when = deleted === undefined ? '' : ` on ${deleted.slice(0, 10)}`;
    const gone =
      adaptor === undefined
        ? 'was made elsewhere and has no body here'
        : `was deleted here${when}${elsewhere}; build it again`;
    const why = isRunning ? 'is not finished yet; wait for it' : gone;
    throw invalid(names.image, `target image ${id} ${why}`);
  }
  return { provider, target, targetImage: id, image, secrets };
}

function shown({ provider, secrets }: FoundProvider): string {
  return secrets.length === 0 ? JSON.stringify(provider.name) : 'the provider defined';
}
