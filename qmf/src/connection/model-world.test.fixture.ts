import { expect } from 'chai';
import { QmfError } from '../errors.js';
import { BusConnection } from './bus-connection.js';
import { FakeTimers, turn } from './fake-timers.test.fixture.js';
import type { FakeWire } from './fake-transport.test.fixture.js';
import type { SendOptions } from './options.js';
import { ScriptedBroker } from './scripted-broker.test.fixture.js';
import { type ConnectionState, transitions } from './state.js';

interface Message {
  readonly number: number;
  readonly node: string;
  readonly options: SendOptions;
  outcome: 'pending' | 'accepted' | QmfError;
  /** Kept messages not settled when this one was given, and whether the connection had ended. */
  readonly keptBefore: number;
  readonly wasOver: boolean;
}

type Word = 'accept' | 'release' | 'reject';

const words = {
  release: () => new QmfError('message_released', 'not now'),
  reject: () => new QmfError('message_rejected', 'never'),
};

export interface WorldOptions {
  readonly brokers: number;
  readonly limit: number;
  readonly window: number;
  readonly maxAttempts: number;
}

/** A connection with brokers and a clock that do what the test says, and what must be true of them at any time. */
export class World {
  readonly timers = new FakeTimers();
  readonly brokers: readonly ScriptedBroker[];
  readonly connection: BusConnection;
  readonly messages: Message[] = [];
  /** Takings-away of the bindings that are in force. */
  readonly unbinds: Promise<() => void>[] = [];
  readonly #options: WorldOptions;
  readonly #said: Record<Word, Message[]> = { accept: [], release: [], reject: [] };
  #state: ConnectionState['kind'] = 'idle';
  #opened = 0;
  #left: number | undefined;
  /** Promises that were given out and are not settled. */
  #open = 0;
  #breach: Error | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.brokers = Array.from(
      { length: options.brokers },
      (_, at) => new ScriptedBroker(`amqp://broker${at}`),
    );
    this.connection = new BusConnection(this.brokers, {
      retry: { initialDelay: 100, maxDelay: 1_000, stableAfter: 500, maxAttempts: options.maxAttempts },
      dialTimeout: 300,
      outboxLimit: options.limit,
      sendWindow: options.window,
      random: () => 0.5,
      timers: this.timers,
    });
    this.connection.onStatus(({ kind }) => {
      if (!transitions[this.#state].includes(kind)) this.#breach = new Error(`${this.#state} to ${kind}`);
      this.#state = kind;
      if (kind === 'open') this.#opened++;
    });
    this.connection.start();
  }

  get wire(): FakeWire | undefined {
    return this.brokers.find(({ open }) => open !== undefined)?.open;
  }

  get isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'failed';
  }

  send(node: string, options: SendOptions): void {
    const number = this.messages.length;
    const keptBefore = this.#pending('keep').length;
    const message: Message = { number, node, options, outcome: 'pending', keptBefore, wasOver: this.isOver };
    this.messages.push(message);
    const sent = this.connection.send(
      { to: { node, subject: String(number) }, headers: new Map(), body: { form: 'none' } },
      options,
    );
    this.#track(
      sent.then(
        () => (message.outcome = 'accepted'),
        (error: unknown) => (message.outcome = error as QmfError),
      ),
    );
  }

  bind(): void {
    const unbind = this.connection.bind(
      { exchange: 'e', exchangeType: 'topic', key: 'k', create: false },
      () => undefined,
    );
    this.unbinds.push(unbind);
    this.#track(unbind.catch(() => this.unbinds.splice(this.unbinds.indexOf(unbind), 1)));
  }

  unbind(): void {
    const unbind = this.unbinds.shift();
    if (unbind !== undefined) this.#track(unbind.then(take => take()).catch(() => undefined));
  }

  ready(): void {
    this.#track(this.connection.ready({ timeout: 250 }).catch(() => undefined));
  }

  drain(): void {
    const isFirst = !this.isOver;
    this.#track(
      this.connection.drain({ timeout: 200 }).then(({ left }) => {
        if (isFirst) this.#left = left;
      }),
    );
  }

  close(): void {
    this.#track(this.connection.close());
  }

  /** The broker gives its word on the oldest messages. */
  say(word: Word, count = 1): void {
    for (const sent of this.wire?.unsettled.slice(0, count) ?? []) {
      const message = this.messages[Number(sent.envelope.to.subject)];
      if (message === undefined) throw new Error('a message that nobody sent');
      this.#said[word].push(message);
      if (word === 'accept') sent.resolve();
      else sent.reject(words[word]());
    }
  }

  /** From now on the brokers take everything: whatever can come to an end does. */
  async heal(): Promise<void> {
    for (let round = 0; round < 100 && !this.isOver; round++) {
      for (const broker of this.brokers) {
        broker.bindsPromptly = true;
        broker.answerBinds();
        broker.answerDial();
      }
      await turn();
      this.say('accept', Number.POSITIVE_INFINITY);
      await this.timers.pass(100);
      if (this.#state === 'open' && this.#pending('keep').length === 0) return;
    }
    expect(this.isOver, 'the brokers are well, the connection is not').to.equal(true);
  }

  #pending(whileAway: 'keep' | 'fail'): Message[] {
    return this.messages.filter(
      ({ outcome, options }) => outcome === 'pending' && options.whileAway === whileAway,
    );
  }

  #track(promise: Promise<unknown>): void {
    this.#open++;
    void promise.finally(() => this.#open--);
  }

  /** What holds between any two steps. */
  check(): void {
    if (this.#breach !== undefined) throw this.#breach;
    expect(this.connection.state).to.equal(this.#state);
    this.#checkWires();
    this.#checkNumbers();
  }

  #checkWires(): void {
    const open = this.brokers.flatMap(({ wires }) => wires).filter(({ state }) => state === 'open');
    expect(open.length, 'open wires').to.be.at.most(this.isOver || this.#state === 'waiting' ? 0 : 1);
    const [wire] = open;
    if (wire === undefined) return;
    const answersWait = this.brokers.some(({ hasBinds }) => hasBinds);
    if (this.#state === 'open' && !answersWait) {
      expect(wire.bindings.size, 'bindings').to.equal(this.unbinds.length);
    }
    for (const node of new Set(this.messages.map(each => each.node))) {
      const kept = wire.unsettled.filter(
        ({ envelope }) => envelope.to.node === node && envelope.messageId !== undefined,
      );
      expect(kept.length, `under way to ${node}`).to.be.at.most(this.#options.window);
    }
  }

  #checkNumbers(): void {
    const { statistics } = this.connection;
    const count = (code: string): number =>
      this.messages.filter(({ outcome }) => outcome instanceof QmfError && outcome.code === code).length;
    expect(statistics).to.include({
      attempts: this.brokers.reduce((sum, { dials }) => sum + dials, 0),
      reconnects: Math.max(0, this.#opened - 1),
      accepted: this.#said.accept.length,
      released: this.#said.release.length,
      rejected: this.#said.reject.length,
      dropped: count('outbox_full'),
      poisoned: this.messages.filter(isPoisoned).length,
      malformed: 0,
    });
    const pending = this.#pending('keep').length;
    expect(statistics.waiting + statistics.underWay).to.equal(pending + this.#pending('fail').length);
    expect(pending, 'kept').to.be.at.most(this.#options.limit * 8);
    expect(pending === 0 && statistics.bytes !== 0, 'bytes of nothing').to.equal(false);
    const isAttached = this.#state === 'open' || this.#state === 'draining';
    expect(statistics.underWay).to.equal(isAttached ? this.wire?.unsettled.length : 0);
  }

  /** What holds when all is over. */
  async checkEnd(): Promise<void> {
    const wasFailed = this.#state === 'failed';
    this.close();
    await this.timers.pass(1_000);
    this.check();
    expect(this.#open, 'promises that never settle').to.equal(0);
    expect(this.timers.pending, 'timers left').to.equal(0);
    expect(
      this.brokers.some(({ isDialled }) => isDialled),
      'dials left',
    ).to.equal(false);
    this.#checkOrder();
    this.#checkIds();
    for (const message of this.messages) this.#checkFate(message, wasFailed);
    const lost = this.messages.filter(
      ({ outcome, options, wasOver }) =>
        options.whileAway === 'keep' && !wasOver && outcome instanceof QmfError && outcome.code === 'closed',
    );
    expect(lost.length, 'left by the drain').to.be.at.most(this.#left ?? lost.length);
  }

  #checkOrder(): void {
    const released = new Set(this.#said.release);
    const first = [...new Set(this.#said.accept)].filter(
      message => message.options.whileAway === 'keep' && !released.has(message),
    );
    for (const node of new Set(first.map(message => message.node))) {
      const numbers = first.filter(message => message.node === node).map(({ number }) => number);
      expect(numbers, `order to ${node}`).to.deep.equal(numbers.toSorted((left, right) => left - right));
    }
  }

  #checkIds(): void {
    const sent = this.brokers.flatMap(({ wires }) => wires).flatMap(wire => wire.sent);
    const ids = new Map<string, string>();
    for (const { envelope } of sent) {
      const number = envelope.to.subject ?? '';
      const id = envelope.messageId ?? '';
      const isKept = this.messages[Number(number)]?.options.whileAway === 'keep';
      expect(isKept, `${number} has the id '${id}'`).to.equal(/^[0-9a-f-]{36}$/.test(id));
      if (ids.has(number))
        expect(ids.get(number), `${number} is sent again`).to.equal(isKept ? id : 'once only');
      ids.set(number, id);
    }
    const kept = [...ids.values()].filter(id => id !== '');
    expect(new Set(kept).size, 'different ids').to.equal(kept.length);
  }

  /** Connections that have ended while a message was on its way. */
  #endsOver(number: number): number {
    const wires = this.brokers.flatMap(broker => broker.wires);
    return wires.filter(({ lost }) => lost.some(({ to }) => to.subject === String(number))).length;
  }

  #checkFate({ number, options, outcome, keptBefore }: Message, wasFailed: boolean): void {
    if (outcome === 'pending') throw new Error(`${number} was never settled`);
    const heard = (word: Word): boolean => this.#said[word].some(message => message.number === number);
    if (outcome === 'accepted') {
      expect(heard('accept'), `${number} was accepted`).to.equal(true);
      return;
    }
    expect(heard('accept') && options.whileAway === 'keep', `${number}: ${outcome.code}`).to.equal(false);
    if (options.whileAway === 'fail' || options.importance === 'progress') return;
    const why: Record<string, boolean> = {
      message_released: heard('release'),
      message_rejected: heard('reject') || this.#endsOver(number) >= 3,
      outbox_full: keptBefore >= this.#options.limit * 8,
      closed: true,
      unreachable: wasFailed,
      not_authorised: wasFailed,
      connection_lost: wasFailed,
    };
    expect(why[outcome.code], `lasting ${number} was lost: ${outcome.code}`).to.equal(true);
  }
}

function isPoisoned({ outcome }: Message): boolean {
  return outcome instanceof QmfError && outcome.message.startsWith('poison message');
}
