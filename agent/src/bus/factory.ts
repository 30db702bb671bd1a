import { type MethodHandlers, wireHandler, type WireHandler } from '@imagefactory/qmf';
import {
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  FACTORY_OBJECT,
  ImageFactory,
  ImageFactory2012,
} from '@imagefactory/schema';
import { formOfCall } from './build-image-forms.js';
import { buildList, buildOne, buildSingle, pushList, pushOne } from './build-methods.js';
import type { FactoryParts } from './parts.js';
import { importImage, instanceStates } from './record-methods.js';
import { orRefusal } from './refusal.js';

/** The arguments of `import_image`, where they are not named as in orders. */
const importNames = {
  ...{ targets: 'target', providers: 'provider' },
  ...{ targetIdentifier: 'target_identifier', description: 'image_desc' },
};

/**
 * Puts the object `image_factory` on the bus. It has the methods of 2012 and both forms of `build_image`, whichever revision consoles are
 * told of.
 */
export function publishFactory(parts: FactoryParts): void {
  const { session, shown } = parts;
  // Known before the first build: consoles can ask for their schemas, and none has to ask again in the middle of it.
  session.register(
    shown.adaptor,
    BuildAdaptorStatusEvent,
    BuildAdaptorPercentCompleteEvent,
    BuildFailedEvent,
  );
  session.publish(ImageFactory2012, {
    name: FACTORY_OBJECT,
    values: {},
    shownAs: shown.factory,
    methods: methodsOf(parts),
    wireMethods: { build_image: eitherForm(parts) },
  });
}

/** The methods that order something, by their names. Arguments are checked. */
export function orderMethods(parts: FactoryParts): ReadonlyMap<string, WireHandler> {
  const methods = methodsOf(parts);
  const names = ['image', 'provider_image', 'push_image', 'import_image'] as const;
  return new Map([
    ['build_image', eitherForm(parts)],
    ...names.map(name => [name, wireHandler(ImageFactory2012, name, methods[name])] as const),
  ]);
}

function methodsOf(parts: FactoryParts): MethodHandlers<typeof ImageFactory2012> {
  return {
    image: (inputs, call) =>
      orRefusal({ targets: 'target' }, async () => ({
        build_adaptor: await buildOne(inputs, call, parts),
      })),
    build_image: (inputs, call) =>
      orRefusal({}, async () => ({ build_adaptors: await buildList(inputs, call, parts) })),
    provider_image: (inputs, call) =>
      orRefusal({ targetImage: 'image_id', targets: 'provider', providers: 'provider' }, async () => ({
        build_adaptor: await pushOne(inputs, call, parts),
      })),
    push_image: (inputs, call) =>
      orRefusal({ targets: 'providers' }, async () => ({
        build_adaptors: await pushList(inputs, call, parts),
      })),
    import_image: inputs => orRefusal(importNames, () => importImage(inputs, parts)),
    instance_states: inputs => orRefusal({}, () => Promise.resolve(instanceStates(inputs))),
  };
}

/** `build_image` as of 2011 or as of 2012. */
function eitherForm(parts: FactoryParts): WireHandler {
  const single = wireHandler(ImageFactory, 'build_image', (inputs, call) =>
    orRefusal({ template: 'descriptor', targets: 'target', callerImageUuid: 'image_uuid' }, async () => ({
      build_adaptor: await buildSingle(inputs, call, parts),
    })),
  );
  const list = wireHandler(ImageFactory2012, 'build_image', methodsOf(parts).build_image);
  return (given, call) => {
    const { form, inputs } = formOfCall(given);
    return form === 'single' ? single(inputs, call) : list(inputs, call);
  };
}
