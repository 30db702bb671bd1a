import {
  addressFromPlain,
  type ConsoleAgent,
  type ConsoleSession,
  type DataAddress,
  type DataClass,
  type InputsOf,
  type MethodNamesOf,
  type PlainMap,
  QmfError,
  type RequestOptions,
  TypedObject,
} from '@imagefactory/qmf';
import { BuildAdaptorOnBus, type ImageFactory, ImageFactory2012 } from '@imagefactory/schema';
import { mapIn, mapsIn, optionalTextIn, textIn } from './answers.js';
import { Build } from './build.js';
import { camelCase, type CamelKeys } from './camel-case.js';
import type {
  BuildImagesInputs,
  ImageInputs,
  ImportedImage,
  ImportImageInputs,
  InstanceStates,
  OrderKey,
  ProviderImageInputs,
  PushImageInputs,
  StatefulClass,
} from './factory-inputs.js';
import type { ImageRecord } from './image-record.js';
import { instanceStatesFrom } from './instance-states.js';
import { imageRecordOf } from './news.js';
import { type FactoryEvent, type FactoryEventsOptions, followedEvents } from './records/followed-events.js';
import {
  imagesOf,
  jobsOf,
  type JobRecord,
  type RecordPage,
  type RecordQuery,
  type StoredImage,
} from './records/queries.js';
import { recordsOf } from './records/records-object.js';
import type { Trackers } from './tracking/trackers.js';

type BuildImageArguments = InputsOf<typeof ImageFactory, 'build_image'>;

/** Arguments of `buildImage`, by the declaration of the method `build_image`. */
export type BuildImageInputs = CamelKeys<BuildImageArguments> & OrderKey;

/** The ImageFactory object of one agent. */
export class Factory {
  /** The same object with the methods of 2012, which agents answer whatever they show. */
  readonly #later: TypedObject<typeof ImageFactory2012>;

  constructor(
    private readonly session: ConsoleSession,
    private readonly trackers: Trackers,
    private readonly object: TypedObject<typeof ImageFactory>,
  ) {
    this.#later = new TypedObject(object.agent, ImageFactory2012, object.address, { values: new Map() });
  }

  get agent(): ConsoleAgent {
    return this.object.agent;
  }

  get address(): DataAddress {
    return this.object.address;
  }

  /**
   * Starts a build. Resolves as soon as the agent has given it a name; {@link Build.changes} tells the rest.
   *
   * @throws QmfError `agent_exception` when the agent refuses the request, with its text
   */
  buildImage(inputs: BuildImageInputs, options: RequestOptions = {}): Promise<Build> {
    return this.#startOne(this.object, 'build_image', this.#wireNames(inputs), inputs, options);
  }

  /**
   * Starts a build of one image for several targets, by `build_image` in its form of 2012: a {@link Build} for each target, in their order. The agent
   * takes all of them or none.
   *
   * @throws QmfError `agent_exception` when the agent refuses the request, with its text
   */
  buildImages(inputs: BuildImagesInputs, options: RequestOptions = {}): Promise<Build[]> {
    const { image = '', build = '', template = '', targets } = inputs;
    return this.#startSome('build_image', { image, build, template, targets }, inputs, options);
  }

  /**
   * Starts a build of a new image for one target.
   *
   * @throws QmfError `agent_exception` when the agent refuses the request, with its text
   */
  image(inputs: ImageInputs, options: RequestOptions = {}): Promise<Build> {
    const { template, target } = inputs;
    return this.#startOne(this.#later, 'image', { template, target }, inputs, options);
  }

  /**
   * Starts pushes of an image's build to some providers, each of which gets the target image that it takes: a {@link Build} for each, in the order of
   * the providers. The agent takes all of them or none. {@link Build.identifierOnProvider} tells what a provider calls the image in the end.
   *
   * @throws QmfError `agent_exception` when the agent refuses the request, with its text
   */
  pushImage(inputs: PushImageInputs, options: RequestOptions = {}): Promise<Build[]> {
    const { image, build = '', providers, credentials } = inputs;
    return this.#startSome('push_image', { image, build, providers, credentials }, inputs, options);
  }

  /**
   * Starts a push of one target image to one provider.
   *
   * @throws QmfError `agent_exception` when the agent refuses the request, with its text
   */
  providerImage(inputs: ProviderImageInputs, options: RequestOptions = {}): Promise<Build> {
    const { imageId, provider, credentials } = inputs;
    const given = { image_id: imageId, provider, credentials };
    return this.#startOne(this.#later, 'provider_image', given, inputs, options);
  }

  /**
   * Notes an image that a provider has already. Nothing is built or sent.
   *
   * @throws QmfError `agent_exception` when the agent refuses the request, with its text
   */
  async importImage(inputs: ImportImageInputs, options: RequestOptions = {}): Promise<ImportedImage> {
    const { image = '', build = '', targetIdentifier, imageDesc = '', target, provider } = inputs;
    const noted = await this.#order(
      this.#later,
      'import_image',
      { image, build, target_identifier: targetIdentifier, image_desc: imageDesc, target, provider },
      inputs,
      options,
    );
    return {
      ...{ image, build, ...optionalTextIn(noted, 'image'), ...optionalTextIn(noted, 'build') },
      targetImage: textIn(noted, 'target_image'),
      providerImage: textIn(noted, 'provider_image'),
    };
  }

  /**
   * The legal changes of status of a class.
   *
   * @throws QmfError `malformed_message` when the agent answers with something else than JSON
   */
  async instanceStates(className: StatefulClass, options: RequestOptions = {}): Promise<InstanceStates> {
    const { states } = await this.#later.call('instance_states', { class_name: className }, options);
    return instanceStatesFrom(states);
  }

  /**
   * What the agent has on record of an image: its builds, target images and provider images.
   *
   * @param image uuid of it, or of anything that belongs to it
   * @throws QmfError `agent_exception` with code 1 when nothing is known of it
   */
  imageRecord(image: string, options: RequestOptions = {}): Promise<ImageRecord> {
    return imageRecordOf(this.agent, image, options);
  }

  /**
   * Jobs of the agent: those that wait and run, and ended ones as long as they are kept.
   *
   * @throws QmfError `schema_unknown` when the agent keeps no record, `agent_exception` naming a field or operator that does not exist
   */
  jobs(query: RecordQuery = {}, options: RequestOptions = {}): Promise<RecordPage<JobRecord>> {
    return jobsOf(this.agent, query, options);
  }

  /**
   * Base, target and provider images of the agent, imported ones included.
   *
   * @throws QmfError as {@link jobs}
   */
  images(query: RecordQuery = {}, options: RequestOptions = {}): Promise<RecordPage<StoredImage>> {
    return imagesOf(this.agent, query, options);
  }

  /**
   * The events of all builds of the agent from a sequence on, then live ones, each once and in order: for programs that keep the sequence of the last
   * one that they have processed, and miss nothing.
   *
   * @throws QmfError in the loop: `schema_unknown` when the agent keeps no record, `aborted`, `closed`
   */
  events(options: FactoryEventsOptions): AsyncIterableIterator<FactoryEvent> {
    return followedEvents(this.session, this.agent, this.trackers.silence, options);
  }

  /**
   * A build that somebody started, by the name or address of its adaptor, with its state as of now.
   *
   * @throws QmfError `schema_unknown` when the agent does not know it
   */
  async build(adaptor: string | DataAddress, options: RequestOptions = {}): Promise<Build> {
    const address: DataAddress =
      typeof adaptor === 'string'
        ? { agentName: this.agent.name, objectName: adaptor, agentEpoch: 0 }
        : adaptor;
    return this.#expect(async () => {
      const build = this.#follow(await this.agent.object(BuildAdaptorOnBus, address, options));
      await build.refresh(options);
      return build;
    });
  }

  /** All builds that the agent still knows, as of now. */
  async builds(options: RequestOptions = {}): Promise<TypedObject<typeof BuildAdaptorOnBus>[]> {
    return this.agent.objects(BuildAdaptorOnBus, options);
  }

  #startOne<C extends DataClass, N extends MethodNamesOf<C>>(
    object: TypedObject<C>,
    method: N,
    inputs: InputsOf<C, N>,
    key: OrderKey,
    options: RequestOptions,
  ): Promise<Build> {
    return this.#expect(async () => {
      const results = await this.#order(object, method, inputs, key, options);
      return this.#started(mapIn(results, 'build_adaptor'));
    });
  }

  #startSome<N extends MethodNamesOf<typeof ImageFactory2012>>(
    method: N,
    inputs: InputsOf<typeof ImageFactory2012, N>,
    key: OrderKey,
    options: RequestOptions,
  ): Promise<Build[]> {
    return this.#expect(async () => {
      const results = await this.#order(this.#later, method, inputs, key, options);
      return mapsIn(results, 'build_adaptors').map(adaptor => this.#started(adaptor));
    });
  }

  /** Calls a method: with a key through the agent's record, which carries it out once. */
  async #order<C extends DataClass, N extends MethodNamesOf<C>>(
    object: TypedObject<C>,
    method: N,
    inputs: InputsOf<C, N>,
    { orderKey }: OrderKey,
    options: RequestOptions,
  ): Promise<PlainMap> {
    // Results of the methods that order are texts, maps and lists of maps.
    if (orderKey === undefined) return (await object.call(method, inputs, options)) as PlainMap;
    const records = await recordsOf(this.agent, 'an order with a key', options);
    // Arguments of these methods are texts and lists of texts.
    const given = { order_key: orderKey, method, arguments: inputs as PlainMap };
    return (await records.call('order', given, options)).results;
  }

  /** A new build, with the events that have overtaken the answer that names it. */
  #started(adaptor: PlainMap): Build {
    return this.#follow(new TypedObject(this.agent, BuildAdaptorOnBus, addressFromPlain(adaptor), newItem));
  }

  #follow(adaptor: TypedObject<typeof BuildAdaptorOnBus>): Build {
    return new Build(this.session, this.trackers, adaptor);
  }

  #expect<T>(call: () => Promise<T>): Promise<T> {
    return this.trackers.expect(this.agent, call);
  }

  #wireNames(inputs: BuildImageInputs): BuildImageArguments {
    const method = this.object.dataClass.schema.methods.find(({ name }) => name === 'build_image');
    if (method === undefined) throw new QmfError('schema_unknown', 'ImageFactory has no method build_image');
    const given = new Map<string, unknown>(Object.entries(inputs));
    const named = method.arguments
      .filter(({ direction, name }) => direction !== 'O' && given.get(camelCase(name)) !== undefined)
      .map(({ name }) => [name, given.get(camelCase(name))] as const);
    // CamelKeys maps these names one to one, and the values stay what they were.
    return Object.fromEntries(named) as BuildImageArguments;
  }
}

/** What a build looks like before anything was heard of it. */
const newItem = { values: new Map([['status', 'NEW']]) };
