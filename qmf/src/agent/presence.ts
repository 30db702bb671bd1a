import type { BusConnection } from '../connection/bus-connection.js';
import { stableAttributes, volatileAttributes } from '../message/agent-info.js';
import { agentNameToText } from '../message/agent-name.js';
import { mapContent } from '../message/content.js';
import type { Envelope } from '../message/envelope.js';
import { headersFor } from '../message/headers.js';
import { heartbeatKey, topicExchange } from '../message/keys.js';
import type { DataClass, EventClass } from '../schema/declare.js';
import { type Schema, schemaKey } from '../schema/schema.js';
import type { Value, ValueMap } from '../value/value.js';
import type { Losses } from './losses.js';
import type { AgentSettings } from './options.js';

export interface PresenceParts {
  readonly connection: BusConnection;
  readonly settings: () => AgentSettings;
  /** Id of this start of the agent. */
  readonly start: string;
  /** Whether the session is open; without it nothing is sent. */
  readonly isOpen: () => boolean;
  readonly losses: Losses;
}

/** What consoles learn of an agent before they ask it anything: its attributes, its classes, its heartbeats (wire document §3, §6). */
export class Presence {
  readonly #parts: PresenceParts;
  readonly #schemas = new Map<string, Schema>();
  /** Saves every event the making of its schema's key: a quarter of the cost of an event outside the transport. */
  readonly #registered = new WeakSet<DataClass | EventClass>();
  /** Present in the very first heartbeat: C++ consoles fail when it turns up later (§9.12). */
  #schemaUpdated: bigint;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#schemaUpdated = parts.settings().clock.now();
  }

  /** Sends heartbeats from now on, at the interval of the settings. */
  begin(): void {
    this.#timer = setInterval(() => this.announce(), this.#parts.settings().interval * 1_000).unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Classes that were registered. */
  schemas(): readonly Schema[] {
    return [...this.#schemas.values()];
  }

  /** Makes classes known, with one heartbeat for all that are registered in the same go. */
  register(classes: readonly (DataClass | EventClass)[]): void {
    const before = this.#schemas.size;
    for (const declared of classes) {
      if (this.#registered.has(declared)) continue;
      this.#registered.add(declared);
      this.#schemas.set(schemaKey(declared.schema.id), declared.schema);
    }
    if (this.#schemas.size === before) return;
    this.#schemaUpdated = this.#parts.settings().clock.now();
    if (!this.#parts.isOpen() || this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.announceIfDue());
  }

  /** Sends the heartbeat that new classes wait for: consoles learn of them before they meet an event of one (§9.30). */
  announceIfDue(): void {
    if (this.#isDue) this.announce();
  }

  /** Sends a heartbeat, if there is a connection. */
  announce(): void {
    this.#isDue = false;
    const { connection, losses, isOpen, settings } = this.#parts;
    if (!isOpen() || connection.state !== 'open') return;
    const { domain, interval, name, bodyForm } = settings();
    const envelope: Envelope = {
      to: { node: topicExchange(domain), subject: heartbeatKey(name) },
      headers: headersFor('_agent_heartbeat_indication', { agent: agentNameToText(name) }),
      ttl: interval * 2_000,
      ...mapContent(new Map([['_values', this.allAttributes()]]), bodyForm ?? connection.bodyForm),
    };
    connection
      .send(envelope, { whileAway: 'fail' })
      .catch((error: unknown) => losses.count('heartbeat', 'a heartbeat', error));
  }

  stableAttributes(): ValueMap {
    const { name, attributes, directSubject } = this.#parts.settings();
    return stableAttributes({ ...name, directSubject, more: attributes });
  }

  allAttributes(): ValueMap {
    const { clock, interval, epoch } = this.#parts.settings();
    return new Map<string, Value>([
      ...this.stableAttributes(),
      ...volatileAttributes({
        timestamp: clock.now(),
        heartbeatInterval: interval,
        epoch,
        schemaUpdated: this.#schemaUpdated,
        start: this.#parts.start,
      }),
    ]);
  }
}
