import type { Template } from '@imagefactory/plugin-api';
import { AgentException, type AgentSession, exceptionCodes, type MethodCall } from '@imagefactory/qmf';
import {
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  FACTORY_OBJECT,
  ImageFactory,
} from '@imagefactory/schema';
import type { Build, BuildEngine } from '../builds/index.js';
import { errorLine, type Logger } from '../log/index.js';
import { loadTemplate, type TemplateSources } from '../templates/index.js';
import { type Adaptor, publishAdaptor } from './adaptor.js';
import type { EventSender } from './event-sender.js';
import type { FinishedAdaptors } from './finished-adaptors.js';
import { refusalOf } from './refusal.js';

export interface FactoryParts {
  readonly session: AgentSession;
  readonly engine: BuildEngine;
  readonly events: EventSender;
  readonly finished: FinishedAdaptors;
  /** What a descriptor may name instead of being the template's text. */
  readonly templates: TemplateSources;
  readonly log: Logger;
}

/** Characters of an `image_uuid` that are kept; it should be a uuid, and may be any text. */
const imageUuidLimit = 1024;

/** Milliseconds that finding a template may take: consoles wait 10 s for an answer, and must not give up on a build that begins. */
const templateTimeout = 8_000;

/** What `build_image` takes. `sec_credentials` are for uploads, which this version has none of: they are not looked at or kept. */
interface BuildImageInputs {
  readonly descriptor: string;
  readonly target: string;
  readonly image_uuid?: string | null | undefined;
}

/** Puts the object `image_factory` on the bus. */
export function publishFactory(parts: FactoryParts): void {
  // Known before the first build: consoles can ask for their schemas, and none has to ask again in the middle of it.
  parts.session.register(
    BuildAdaptor,
    BuildAdaptorStatusEvent,
    BuildAdaptorPercentCompleteEvent,
    BuildFailedEvent,
  );
  parts.session.publish(ImageFactory, {
    name: FACTORY_OBJECT,
    values: {},
    methods: {
      build_image: async (inputs, call) => {
        try {
          return { build_adaptor: await takeOrder(inputs, call, parts) };
        } catch (error) {
          const refusal = refusalOf(error);
          parts.log.info(`a request to build an image was refused: ${errorLine(refusal)}`);
          throw refusal;
        }
      },
    },
  });
}

/**
 * Checks a request, puts its adaptor on the bus and gives the adaptor's address. The build itself starts once the answer is on
 * its way, so that no event about it comes before.
 */
async function takeOrder(inputs: BuildImageInputs, call: MethodCall, parts: FactoryParts) {
  const { session, engine, events, finished, log } = parts;
  const { descriptor, target, image_uuid: callerImageUuid } = inputs;
  const { refusal } = engine;
  if (refusal !== undefined) throw new AgentException(refusal, exceptionCodes.exception);
  if ((callerImageUuid?.length ?? 0) > imageUuidLimit) {
    throw new AgentException(
      `Invalid argument: image_uuid (it is longer than ${imageUuidLimit} characters; give a uuid)`,
      exceptionCodes.invalidParameter,
    );
  }
  engine.plugins.cloudFor(target);
  const { text, template, secrets } = await loadTemplate(descriptor, parts.templates, {
    signal: call.signal,
    timeout: templateTimeout,
  });
  const build = engine.create({
    descriptor: text,
    template,
    secrets,
    target,
    ...(typeof callerImageUuid === 'string' ? { callerImageUuid } : {}),
  });
  // Before anybody is told that it is accepted: from here on not even the end of the process loses it.
  await engine.keep(build);
  call.afterReply(() => engine.start(build));
  const adaptor = publishAdaptor(session, build, events, keepFinished(build, { engine, finished }));
  log.notice(`build ${build.id} accepted: ${describe(build, template)}`);
  return adaptor.addressMap;
}

/** What becomes of an adaptor when its build is over. */
export function keepFinished(
  { id, order }: Build,
  { engine, finished }: Pick<FactoryParts, 'engine' | 'finished'>,
): (ended: Adaptor, told: Promise<void>, age?: number) => void {
  const size = order.descriptor.length;
  return (ended, told, age = 0) => {
    void told.then(() => engine.told(id));
    const remove = (): void => {
      ended.remove();
      engine.forget(id);
    };
    finished.add({ size, remove }, age);
  };
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
