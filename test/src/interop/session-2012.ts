import type { ConnectedConsole } from '@imagefactory/console-client';
import {
  addressFromPlain,
  type ConsoleAgent,
  type DataAddress,
  type PlainMap,
  type ReceivedEvent,
} from '@imagefactory/qmf';
import { expect } from 'chai';
import { until } from '../support/until.js';

export const mockCredentials =
  '<provider_credentials><mock_credentials><username>mockuser</username></mock_credentials></provider_credentials>';

/** A value that has to be there. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is no such thing');
  return value;
}

/** A value that has to be text. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`text was expected, not ${JSON.stringify(value)}`);
}

/** A console of 2012: calls by names, raw events, and nothing of what our own console adds. */
export class OldConsole {
  readonly events: ReceivedEvent[] = [];
  readonly #stop: () => void;

  constructor(
    client: Pick<ConnectedConsole, 'session'>,
    readonly agent: ConsoleAgent,
    private readonly factory: DataAddress,
  ) {
    this.#stop = client.session.onEvent(event => {
      if (event.agent === agent.name) this.events.push(event);
    });
  }

  static async of(client: ConnectedConsole): Promise<OldConsole> {
    const { agent, address } = await client.findFactory();
    return new OldConsole(client, agent, address);
  }

  close(): void {
    this.#stop();
  }

  async call(method: string, inputs: Record<string, unknown>, address = this.factory): Promise<PlainMap> {
    // Nothing of the factory's answers is a uuid, which alone is no plain value.
    return (await this.agent.invoke(address, method, undefined, inputs, {})) as PlainMap;
  }

  /** The addresses in an answer: of one adaptor, or of some. */
  adaptors(answer: PlainMap): DataAddress[] {
    const list = answer['build_adaptors'] ?? [answer['build_adaptor']];
    return (list as PlainMap[]).map(addressFromPlain); // lists of address maps, or the test fails here
  }

  async values(address: DataAddress): Promise<PlainMap> {
    const [object] = await this.agent.query({ address });
    if (object === undefined) throw new Error(`${address.objectName} is unknown`);
    return object.values;
  }

  eventsOf(address: DataAddress, className: string): ReceivedEvent[] {
    return this.events.filter(
      event =>
        event.className === className &&
        (event.values['addr'] as PlainMap)['_object_name'] === address.objectName, // every event of the seed's has one
    );
  }

  /** Statuses as events told them, such as `NEW>BUILDING`. */
  statuses(address: DataAddress): string[] {
    return this.eventsOf(address, 'BuildAdaptorStatusEvent').map(
      ({ values }) => `${text(values['old_status'])}>${text(values['new_status'])}`,
    );
  }

  async ended(address: DataAddress): Promise<string> {
    let last = '';
    await until(
      `${address.objectName} has ended`,
      () => {
        last = this.statuses(address).at(-1)?.split('>')[1] ?? '';
        return last === 'COMPLETED' || last === 'FAILED';
      },
      30_000,
    );
    return last;
  }
}

/** The session that the original's own test of its agent held, step by step. */
export async function session2012(client: ConnectedConsole): Promise<void> {
  const old = await OldConsole.of(client);
  try {
    const failing = old.adaptors(
      await old.call('build_image', {
        image: '',
        build: '',
        template: '<template>FAIL</template>',
        targets: ['mock'],
      }),
    );
    expect(failing).to.have.lengthOf(1);
    const failed = there(failing[0]);
    expect(await old.ended(failed)).to.equal('FAILED');
    const failures = old.eventsOf(failed, 'BuildFailedEvent');
    expect(failures).to.have.lengthOf(1);
    expect(addressFromPlain(there(failures[0]).values['addr'] as PlainMap)).to.deep.equal(failed); // a map in every such event

    const [first] = old.adaptors(
      await old.call('build_image', {
        image: '',
        build: '',
        template: '<template></template>',
        targets: ['mock'],
      }),
    );
    const built = there(first);
    expect(built.objectName).to.match(/^build_adaptor:build_image:[0-9a-f-]{36}$/);
    expect(built.agentName).to.equal(old.agent.name);
    expect(await old.ended(built)).to.equal('COMPLETED');
    expect(old.statuses(built)).to.deep.equal(['NEW>BUILDING', 'BUILDING>COMPLETED']);
    const { image, build, status, image_id: targetImage } = await old.values(built);
    expect(status).to.equal('COMPLETED');
    for (const id of [image, build, targetImage]) expect(id).to.match(/^[0-9a-f-]{36}$/);

    const [second] = old.adaptors(
      await old.call('push_image', {
        image,
        build,
        providers: ['mock-provider1'],
        credentials: mockCredentials,
      }),
    );
    const pushed = there(second);
    expect(pushed.objectName).to.match(/^build_adaptor:push_image:/);
    expect(await old.ended(pushed)).to.equal('COMPLETED');
    expect(old.statuses(pushed)).to.deep.equal(['NEW>PUSHING', 'PUSHING>COMPLETED']);

    const imported = await old.call('import_image', {
      image,
      build,
      target_identifier: 'mock-img-id',
      image_desc: '<image><name>Mock Image</name></image>',
      target: 'mock',
      provider: 'mock-provider2',
    });
    expect(imported).to.have.all.keys('image', 'build', 'target_image', 'provider_image');
    expect(imported).to.include({ image, build, target_image: targetImage });

    for (const name of ['ImageFactory', 'BuildAdaptor']) {
      const { states } = await old.call('instance_states', { class_name: name });
      expect(JSON.parse(text(states))).to.be.an('object');
    }
    expect(
      old.events.filter(({ className }) => className === 'BuildFailedEvent'),
      'no other failure',
    ).to.have.lengthOf(1);
  } finally {
    old.close();
  }
}
