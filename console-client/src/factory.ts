import {
  addressFromPlain,
  type ConsoleAgent,
  type ConsoleSession,
  type DataAddress,
  type InputsOf,
  QmfError,
  type RequestOptions,
  TypedObject,
} from '@imagefactory/qmf';
import { BuildAdaptor, type ImageFactory } from '@imagefactory/schema';
import { Build } from './build.js';
import type { AddressedChange } from './build-change.js';
import type { BuildFeed } from './build-feed.js';
import { camelCase, type CamelKeys } from './camel-case.js';

type BuildImageArguments = InputsOf<typeof ImageFactory, 'build_image'>;

/** Arguments of `buildImage`, by the declaration of the method `build_image`. */
export type BuildImageInputs = CamelKeys<BuildImageArguments>;

/** The ImageFactory object of one agent. */
export class Factory {
  constructor(
    private readonly session: ConsoleSession,
    private readonly feed: BuildFeed,
    private readonly object: TypedObject<typeof ImageFactory>,
  ) {}

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
    return this.feed.expect(async () => {
      const { build_adaptor: adaptor } = await this.object.call(
        'build_image',
        this.#wireNames(inputs),
        options,
      );
      const address = addressFromPlain(adaptor);
      return this.#follow(
        new TypedObject(this.agent, BuildAdaptor, address, newItem),
        this.feed.claim(address),
      );
    });
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
    return this.feed.expect(async () => {
      const build = this.#follow(await this.agent.object(BuildAdaptor, address, options), []);
      await build.refresh(options);
      return build;
    });
  }

  /** All builds that the agent still knows, as of now. */
  async builds(options: RequestOptions = {}): Promise<TypedObject<typeof BuildAdaptor>[]> {
    return this.agent.objects(BuildAdaptor, options);
  }

  #follow(adaptor: TypedObject<typeof BuildAdaptor>, early: readonly AddressedChange[]): Build {
    return new Build(this.session, this.feed, adaptor, early);
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
