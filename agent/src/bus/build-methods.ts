import type { InputsOf, MethodCall, PlainMap } from '@imagefactory/qmf';
import { ADAPTOR_PREFIX, type ImageFactory, type ImageFactory2012 } from '@imagefactory/schema';
import {
  type AcceptedOrder,
  type BuildInput,
  orderBuild,
  orderPush,
  orderTargetImagePush,
  type OrderOptions,
} from '@imagefactory/factory/orders';
import { publishAdaptor } from './adaptor.js';
import { keepFinished } from './keep-finished.js';
import { namesIn, naming } from './names.js';
import type { FactoryParts } from './parts.js';
import { shownCaller } from './shown-caller.js';

/** `build_image` as of 2011. `sec_credentials` are not looked at or kept: this form pushes nothing. */
export async function buildSingle(
  { descriptor, target, image_uuid: callerImageUuid }: InputsOf<typeof ImageFactory, 'build_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap> {
  const input: BuildInput = {
    template: descriptor,
    targets: [target],
    ...(typeof callerImageUuid === 'string' ? { callerImageUuid } : {}),
  };
  const options = optionsOf(parts, call, id => `${ADAPTOR_PREFIX}${id}`);
  return theOne(publish(await orderBuild(input, options, parts), options, call, parts));
}

/** `image`: one target, always a new image. */
export async function buildOne(
  { template, target }: InputsOf<typeof ImageFactory2012, 'image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap> {
  const options = optionsOf(parts, call, naming('image'));
  return theOne(
    publish(await orderBuild({ template, targets: [target] }, options, parts), options, call, parts),
  );
}

/** `build_image` as of 2012: an image, new or not, for some targets. */
export async function buildList(
  { image, build, template, targets }: InputsOf<typeof ImageFactory2012, 'build_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap[]> {
  const names = namesIn('targets', targets);
  const input: BuildInput = {
    image: image ?? '',
    build: build ?? '',
    ...((template ?? '') === '' ? {} : { template: template ?? '' }),
    ...(names.length === 0 ? {} : { targets: names }),
  };
  const options = optionsOf(parts, call, naming('build_image'));
  return publish(await orderBuild(input, options, parts), options, call, parts);
}

/** `provider_image`: a target image goes to one provider. */
export async function pushOne(
  { image_id: targetImage, provider, credentials }: InputsOf<typeof ImageFactory2012, 'provider_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap> {
  const options = optionsOf(parts, call, naming('provider_image'));
  const order = await orderTargetImagePush({ targetImage, provider, credentials }, options, parts);
  return theOne(publish(order, options, call, parts));
}

/** `push_image`: a build of an image goes to some providers. */
export async function pushList(
  { image, build, providers, credentials }: InputsOf<typeof ImageFactory2012, 'push_image'>,
  call: MethodCall,
  parts: FactoryParts,
): Promise<PlainMap[]> {
  const options = optionsOf(parts, call, naming('push_image'));
  const input = { image, build: build ?? '', providers: namesIn('providers', providers), credentials };
  return publish(await orderPush(input, options, parts), options, call, parts);
}

function optionsOf(
  { request }: FactoryParts,
  call: MethodCall,
  nameOf: OrderOptions['nameOf'],
): OrderOptions {
  const caller = { key: call.caller.key, name: shownCaller(call.caller) };
  return { caller, signal: call.signal, nameOf, ...(request === undefined ? {} : { request }) };
}

/** Puts an adaptor for each job on the bus, and gives their addresses. The jobs start when the answer is on its way. */
function publish(
  order: AcceptedOrder,
  { nameOf }: OrderOptions,
  call: MethodCall,
  parts: FactoryParts,
): PlainMap[] {
  call.afterReply(() => order.start());
  return order.jobs.map(job => {
    const view = { ...order.place, name: nameOf(job.id) };
    return publishAdaptor(parts, job, view, keepFinished(job, parts)).addressMap;
  });
}

function theOne(addresses: readonly PlainMap[]): PlainMap {
  const [address] = addresses;
  if (address === undefined) throw new Error('an order for one target or provider made no job');
  return address;
}
