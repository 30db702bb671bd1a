import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import rhea, { type Connection, type Delivery, type EventContext, type Receiver, type Sender } from 'rhea';
import type {
  AttachStep,
  FilterTable,
  ReceiveStep,
  Scenario,
  SendStep,
  Step,
} from './behaviour.test.steps.js';

/** How long an answer may take, and how long it is looked whether something comes that should not. */
const patience = 60_000;
const quiet = 120;

interface Arrival {
  readonly body: string;
  readonly settled: boolean;
  readonly delivery: Delivery;
}

interface OpenReceiver {
  readonly kind: 'receiver';
  readonly link: Receiver;
  readonly arrivals: Arrival[];
}

interface OpenSender {
  readonly kind: 'sender';
  readonly link: Sender;
  readonly outcomes: string[];
}

type OpenLink = OpenReceiver | OpenSender;

/** Runs one scenario against a broker with a bare rhea client. */
export class ScenarioRun {
  readonly #id = `script-${rhea.generate_uuid()}`;
  readonly #connections = new Map<string, Connection>();
  readonly #links = new Map<string, OpenLink>();

  constructor(
    private readonly broker: { readonly host: string; readonly port: number },
    private readonly embedded: boolean,
  ) {}

  async run(scenario: Scenario): Promise<void> {
    try {
      for (const [index, step] of scenario.steps.entries()) {
        await this.#step(step, `step ${index + 1} (${JSON.stringify(step)})`);
      }
    } finally {
      for (const connection of this.#connections.values()) {
        connection.close();
        await within(once(connection, 'connection_close'), 'close').catch(() => undefined);
      }
    }
  }

  async #step(step: Step, what: string): Promise<void> {
    switch (step.do) {
      case 'receive-from':
      case 'send-to':
        await this.#attach(step, what);
        return;
      case 'send':
        await this.#send(step, what);
        return;
      case 'receive':
        await this.#receive(step, what);
        return;
      case 'nothing':
        await delay(quiet);
        expect(
          this.#receiver(step.link).arrivals.map(arrival => arrival.body),
          what,
        ).to.deep.equal([]);
        return;
      case 'credit':
        this.#receiver(step.link).link.add_credit(step.credit);
        return;
      case 'drain': {
        const { link } = this.#receiver(step.link);
        link.drain_credit();
        await within(once(link, 'receiver_drained'), what);
        link.drain = false;
        return;
      }
      case 'close': {
        const { link, kind } = this.#link(step.link);
        link.close();
        await within(once(link, `${kind}_close`), what);
        return;
      }
      case 'wait':
        await delay(step.milliseconds);
    }
  }

  async #attach(step: AttachStep, what: string): Promise<void> {
    const connection = await this.#connection(step.on ?? 'a');
    const terminus = step.address === null ? {} : this.#terminus(step);
    const name = step.linkName ?? step.link;
    const mode = step.settleMode === undefined ? {} : { snd_settle_mode: step.settleMode };
    const link =
      step.do === 'receive-from'
        ? this.#openReceiver(connection, step, { name, ...mode, ...terminus })
        : this.#openSender(connection, step, { name, ...mode, ...terminus });
    const kind = step.do === 'receive-from' ? 'receiver' : 'sender';
    const refusal = once(link, `${kind}_error`).then(() => 'refused' as const);
    const opening = once(link, `${kind}_open`).then(async () => {
      const answered: unknown = kind === 'receiver' ? link.source : link.target;
      // rhea shows a terminus that is missing as a typed null.
      const named = typeof answered === 'object' && answered !== null && 'address' in answered;
      return named ? ('open' as const) : await refusal;
    });
    const seen = await within(Promise.race([opening, refusal]), what);
    const expected = this.embedded && step.embedded !== undefined ? step.embedded.expect : step.expect;
    if ('refused' in expected) {
      expect(seen, what).to.equal('refused');
      const error: unknown = link.error;
      expect(error, what).to.have.property('condition', expected.refused);
      return;
    }
    expect(seen, `${what}: ${JSON.stringify(link.error)}`).to.equal('open');
    const answer = observed(kind === 'receiver' ? link.source : link.target);
    const wanted = { ...expected, ...this.#withAddress(expected.address) };
    for (const [field, value] of Object.entries(wanted)) {
      expect(answer[field as keyof typeof answer], `${what}: ${field}`).to.deep.equal(value);
    }
    if (kind === 'sender') {
      // Credit comes right after the answer.
      const sender = link as Sender;
      if (!sender.sendable()) await within(once(sender, 'sendable'), `${what}: credit`);
    }
  }

  #withAddress(address: string | null | undefined): { address?: string | null } {
    return typeof address === 'string' ? { address: this.#named(address) } : {};
  }

  #terminus(step: AttachStep) {
    const filter = step.filter === undefined ? {} : { filter: wireFilter(step.filter) };
    const fields = {
      ...(step.address === undefined || step.address === null ? {} : { address: this.#named(step.address) }),
      ...(step.dynamic === undefined ? {} : { dynamic: step.dynamic }),
      ...(step.capabilities === undefined ? {} : { capabilities: step.capabilities }),
      ...(step.properties === undefined ? {} : { dynamic_node_properties: { ...step.properties } }),
      ...filter,
    };
    return step.do === 'receive-from' ? { source: fields } : { target: fields };
  }

  #openReceiver(connection: Connection, step: AttachStep, options: object): Receiver {
    const credit = step.credit ?? 100;
    const link = connection.open_receiver({ ...options, credit_window: 0, autoaccept: false });
    const arrivals: Arrival[] = [];
    link.on('message', ({ message, delivery }: EventContext) => {
      if (message === undefined || delivery === undefined) return;
      arrivals.push({ body: String(message.body), settled: delivery.remote_settled, delivery });
    });
    if (credit > 0) link.add_credit(credit);
    this.#links.set(step.link, { kind: 'receiver', link, arrivals });
    return link;
  }

  #openSender(connection: Connection, step: AttachStep, options: object): Sender {
    const link = connection.open_sender(options);
    const outcomes: string[] = [];
    for (const outcome of ['accepted', 'released', 'rejected', 'modified']) {
      link.on(outcome, () => outcomes.push(outcome));
    }
    this.#links.set(step.link, { kind: 'sender', link, outcomes });
    return link;
  }

  async #send(step: SendStep, what: string): Promise<void> {
    const sender = this.#link(step.link);
    if (sender.kind !== 'sender') throw new Error(`${step.link} is no sender`);
    const settled = once(sender.link, 'settled');
    sender.link.send({
      body: bodyOf(step),
      ...(step.subject === undefined ? {} : { subject: step.subject }),
      ...(step.to === undefined ? {} : { to: this.#named(step.to) }),
      ...(step.ttl === undefined ? {} : { ttl: step.ttl }),
    });
    await within(settled, what);
    expect(sender.outcomes.splice(0), what).to.deep.equal([step.expect]);
  }

  async #receive(step: ReceiveStep, what: string): Promise<void> {
    const { link, arrivals } = this.#receiver(step.link);
    if (arrivals.length === 0) await within(once(link, 'message'), what);
    const arrival = arrivals.shift();
    if (arrival === undefined) throw new Error(`${what}: nothing arrived`);
    expect(arrival.body === bodyOf(step), `${what}: got ${arrival.body.slice(0, 80)}`).to.equal(true);
    if (step.settled !== undefined) expect(arrival.settled, what).to.equal(step.settled);
    if (!arrival.settled && step.answer !== 'hold') answer(arrival.delivery, step.answer ?? 'accept');
  }

  #named(address: string): string {
    return address.replace('$c', this.#id);
  }

  #link(name: string): OpenLink {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`the script has no link ${name}`);
    return link;
  }

  #receiver(name: string): OpenReceiver {
    const link = this.#link(name);
    if (link.kind !== 'receiver') throw new Error(`${name} is no receiver`);
    return link;
  }

  async #connection(name: 'a' | 'b' | 'a2'): Promise<Connection> {
    const known = this.#connections.get(name);
    if (known !== undefined) return known;
    const container = rhea.create_container({ id: name === 'b' ? `${this.#id}-b` : this.#id });
    container.on('error', () => undefined);
    const { host, port } = this.broker;
    const connection = container.connect({ host, port, reconnect: false, username: 'anonymous' });
    // Unheard, these would go to the console or to the container's error.
    for (const event of ['disconnected', 'receiver_error', 'sender_error', 'connection_error', 'settled']) {
      connection.on(event, () => undefined);
    }
    await within(once(connection, 'connection_open'), 'connect');
    this.#connections.set(name, connection);
    return connection;
  }
}

function bodyOf({ body, size }: { readonly body: string; readonly size?: number }): string {
  return size === undefined ? body : body.repeat(Math.ceil(size / body.length));
}

function answer(delivery: Delivery, how: Exclude<ReceiveStep['answer'], undefined | 'hold'>): void {
  switch (how) {
    case 'accept':
      delivery.accept();
      return;
    case 'release':
      delivery.release();
      return;
    case 'reject':
      delivery.reject();
      return;
    case 'modify':
      delivery.modified({ delivery_failed: true });
  }
}

function wireFilter(filter: FilterTable): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(filter).map(([name, [descriptor, key]]) => [
      name,
      descriptor === null ? key : rhea.types.wrap_described(key, descriptor),
    ]),
  );
}

/** An answered terminus in the form of the script's expectations. */
function observed(terminus: unknown) {
  // Fields as rhea decodes them; a source that is null was refused before this.
  const fields = terminus as {
    address?: string | null;
    filter?: Record<string, string | { value: string; descriptor: { value: number | string } }> | null;
    capabilities?: string | string[] | null;
    dynamic_node_properties?: Record<string, unknown> | null;
  };
  const filter = Object.entries(fields.filter ?? {}).map(([name, value]): [string, unknown] => [
    name,
    typeof value === 'string' ? [null, value] : [value.descriptor.value, value.value],
  ]);
  return {
    address: fields.address ?? null,
    filter: filter.length === 0 ? null : Object.fromEntries(filter),
    capabilities: fields.capabilities ?? null,
    properties: fields.dynamic_node_properties ?? null,
  };
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const stop = new AbortController();
  const late = delay(patience, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: no answer within ${patience} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}
