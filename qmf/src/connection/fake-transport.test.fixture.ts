import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { unknownUserIds } from '../message/user-ids.js';
import type { Binding, Transport, Wire } from '../transport/index.js';

interface Sent {
  readonly envelope: Envelope;
  readonly resolve: () => void;
  readonly reject: (error: QmfError) => void;
  isSettled: boolean;
}

/** A wire whose broker is the test. */
export class FakeWire implements Wire {
  readonly peer = {};
  readonly bodyForm = 'value';
  readonly userIds = unknownUserIds;
  readonly closed: Promise<QmfError | undefined>;
  readonly bindings = new Map<Binding, (envelope: Envelope) => void>();
  readonly sent: Sent[] = [];
  /** What it has ended over: sent, and without a word of the broker. */
  readonly lost: Envelope[] = [];
  state: 'open' | 'closed' | 'broken' = 'open';
  #end: (reason: QmfError | undefined) => void = () => undefined;

  constructor(
    /** Whether sends are accepted at once. */
    private readonly prompt: boolean,
    private readonly onBind: (binding: Binding) => Promise<void>,
  ) {
    this.closed = new Promise(resolve => {
      this.#end = resolve;
    });
  }

  /** Tells of a message that cannot be decoded. */
  malformed: (error: QmfError) => void = () => undefined;

  onMalformed(listener: (error: QmfError) => void): void {
    this.malformed = listener;
  }

  async bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void> {
    await Promise.race([this.onBind(binding), this.closed]);
    if (this.state !== 'open') throw new QmfError('connection_lost', 'the wire is gone');
    this.bindings.set(binding, deliver);
    return () => this.bindings.delete(binding);
  }

  send(envelope: Envelope): Promise<void> {
    if (this.state !== 'open')
      return Promise.reject(new QmfError('connection_lost', 'the wire is gone').unsent());
    return new Promise((resolve, reject) => {
      const sent: Sent = {
        envelope,
        isSettled: false,
        resolve: () => {
          sent.isSettled = true;
          resolve();
        },
        reject: error => {
          sent.isSettled = true;
          reject(error);
        },
      };
      this.sent.push(sent);
      if (this.prompt) sent.resolve();
    });
  }

  /** Messages that the broker has not given its word on. */
  get unsettled(): Sent[] {
    return this.sent.filter(({ isSettled }) => !isSettled);
  }

  get subjects(): (string | undefined)[] {
    return this.sent.map(({ envelope }) => envelope.to.subject);
  }

  break(reason = new QmfError('connection_lost', 'broken by the test')): void {
    if (this.state !== 'open') return;
    this.state = 'broken';
    this.lost.push(...this.unsettled.map(({ envelope }) => envelope));
    for (const { reject } of this.unsettled) reject(reason);
    this.#end(reason);
  }

  close(): Promise<void> {
    if (this.state === 'open') {
      this.state = 'closed';
      for (const { reject } of this.unsettled) reject(new QmfError('closed', 'closed'));
      this.#end(undefined);
    }
    return Promise.resolve();
  }
}

export type Dial = 'open' | 'slow' | 'silent' | QmfError;

/** A transport whose dials end as the test says: in order, then for ever as the last one. */
export class FakeTransport implements Transport {
  readonly description = 'amqp://fake';
  readonly wires: FakeWire[] = [];
  dials = 0;
  pendingDials = 0;
  onBind: (binding: Binding) => Promise<void> = () => Promise.resolve();

  constructor(
    private readonly script: readonly Dial[] = ['open'],
    private readonly prompt = true,
  ) {}

  async dial(signal: AbortSignal): Promise<Wire> {
    const outcome = this.script[Math.min(this.dials, this.script.length - 1)] ?? 'open';
    this.dials++;
    this.pendingDials++;
    try {
      if (outcome instanceof QmfError) throw outcome;
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => reject(new QmfError('aborted', 'cancelled'));
        signal.addEventListener('abort', abort, { once: true });
        if (outcome === 'open') resolve();
        if (outcome === 'slow') setTimeout(resolve, 5);
      });
      const wire = new FakeWire(this.prompt, binding => this.onBind(binding));
      this.wires.push(wire);
      return wire;
    } finally {
      this.pendingDials--;
    }
  }

  get wire(): FakeWire {
    const wire = this.wires.at(-1);
    if (wire === undefined) throw new Error('nothing was dialled yet');
    return wire;
  }
}
