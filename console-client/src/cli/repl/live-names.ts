import type { AgentChange, ConsoleAgent, RequestOptions, SchemaId, SchemaMethod } from '@imagefactory/qmf';
import type { ConnectedConsole } from '../../index.js';
import { sharedController } from '../io.js';
import { bestMatches } from '../lookup/agents.js';
import { classLists, distinctClasses, probeClasses } from '../lookup/classes.js';
import { inputsOf } from '../args/signature.js';

/** An object as completion sees it. */
export interface ObjectName {
  readonly name: string;
  readonly agent: ConsoleAgent;
  readonly schemaId: SchemaId | undefined;
}

/** What the completer asks. Everything may be out of date by some seconds, and settles at the latest at the deadline. */
export interface Names {
  agents(): readonly string[];
  classes(kind?: '_data' | '_event'): Promise<readonly string[]>;
  objects(className?: string): Promise<readonly string[]>;
  /** Of an object, by its name or that of its class. */
  methods(object: string): Promise<readonly string[]>;
  inputs(object: string, method: string): Promise<readonly string[]>;
  properties(className: string): Promise<readonly string[]>;
}

/** Objects come and go; what was fetched less than this ago is good enough, in milliseconds. */
const FRESH = 3_000;
const REQUEST_TIMEOUT = 5_000;
/** Enough to choose from, and to be shown. */
const MAX_OBJECTS = 2_000;

interface Cached<T> {
  readonly value: Promise<T>;
  readonly since: number;
}

/** Names from what agents really publish, fetched in the background as soon as an agent shows up. */
export class LiveNames implements Names {
  readonly #classes = new Map<string, Promise<readonly SchemaId[]>>();
  readonly #objects = new Map<string, Cached<readonly ObjectName[]>>();
  readonly #stop: () => void;
  readonly #stopping = sharedController();

  constructor(
    private readonly console: ConnectedConsole,
    /** The agent that is in use, as the user named it. */
    private readonly agentText: () => string | undefined,
  ) {
    for (const agent of console.session.agents()) this.#prefetch(agent);
    this.#stop = console.session.onAgentChange(change => this.#changed(change));
  }

  close(): void {
    this.#stop();
    this.#stopping.abort();
  }

  agents(): readonly string[] {
    return this.console.session.agents().map(({ name }) => name);
  }

  async classes(kind?: '_data' | '_event'): Promise<readonly string[]> {
    const ids = (await Promise.all(this.#chosen().map(agent => this.#idsOf(agent)))).flat();
    return distinct(
      ids.filter(id => kind === undefined || id.kind === kind).map(({ className }) => className),
    );
  }

  async objects(className?: string): Promise<readonly string[]> {
    const objects = await this.#allObjects();
    return distinct(
      objects
        .filter(({ schemaId }) => className === undefined || schemaId?.className === className)
        .map(({ name }) => name),
    );
  }

  async methods(object: string): Promise<readonly string[]> {
    return distinct((await this.#methodsOf(object)).map(({ name }) => name));
  }

  async inputs(object: string, method: string): Promise<readonly string[]> {
    const declaration = (await this.#methodsOf(object)).find(({ name }) => name === method);
    return declaration === undefined ? [] : inputsOf(declaration).map(({ name }) => name);
  }

  async properties(className: string): Promise<readonly string[]> {
    const schemas = await Promise.all(this.#chosen().map(agent => this.#schemasOfClass(agent, className)));
    return distinct(schemas.flat().flatMap(({ properties }) => properties.map(({ name }) => name)));
  }

  #chosen(): readonly ConsoleAgent[] {
    const agents = this.console.session.agents();
    const text = this.agentText();
    return text === undefined ? agents : bestMatches(agents, text);
  }

  get #options(): RequestOptions {
    return { timeout: REQUEST_TIMEOUT, signal: this.#stopping.signal };
  }

  #changed(change: AgentChange<ConsoleAgent>): void {
    const { name } = change.agent;
    this.#classes.delete(name);
    this.#objects.delete(name);
    if (change.kind !== 'removed') this.#prefetch(change.agent);
  }

  /** Schemas of data classes too: methods are completed from them. */
  #prefetch(agent: ConsoleAgent): void {
    void this.#idsOf(agent).then(async ids => {
      await Promise.allSettled(ids.map(id => agent.schema(id, this.#options)));
    });
  }

  /** Never rejects: an agent that cannot say has no names. */
  #idsOf(agent: ConsoleAgent): Promise<readonly SchemaId[]> {
    const known = this.#classes.get(agent.name);
    if (known !== undefined) return known;
    const fetching = this.#fetchIds(agent).catch((): readonly SchemaId[] => {
      this.#classes.delete(agent.name); // the next one who asks tries again
      return [];
    });
    this.#classes.set(agent.name, fetching);
    return fetching;
  }

  async #fetchIds(agent: ConsoleAgent): Promise<readonly SchemaId[]> {
    const [list] = await classLists([agent], this.#options);
    if (list?.kind === 'failed') throw list.error;
    return list?.kind === 'listed' ? list.ids : probeClasses(agent, this.#options);
  }

  async #allObjects(): Promise<readonly ObjectName[]> {
    return (await Promise.all(this.#chosen().map(agent => this.#objectsOf(agent)))).flat();
  }

  #objectsOf(agent: ConsoleAgent): Promise<readonly ObjectName[]> {
    const known = this.#objects.get(agent.name);
    const now = performance.now();
    if (known !== undefined && now - known.since < FRESH) return known.value;
    const value = this.#fetchObjects(agent).catch((): readonly ObjectName[] => []);
    this.#objects.set(agent.name, { value, since: now });
    return value;
  }

  async #fetchObjects(agent: ConsoleAgent): Promise<readonly ObjectName[]> {
    const ids = (await this.#idsOf(agent)).filter(({ kind }) => kind === '_data');
    const classOf = new Map(ids.map(id => [`${id.packageName}:${id.className}`, id]));
    const objects = await Promise.all(
      distinctClasses(ids).map(async name => {
        // Agents that answer no OBJECT_ID query, as the broker, say so by their capability.
        const found =
          agent.info.capability >= 1
            ? await agent.addresses(name, this.#options)
            : await agent.query(name, this.#options);
        const schemaId = classOf.get(`${name.packageName}:${name.className}`);
        return found
          .slice(0, MAX_OBJECTS)
          .flatMap(({ address, schemaId: own }): ObjectName[] =>
            address === undefined ? [] : [{ name: address.objectName, agent, schemaId: own ?? schemaId }],
          );
      }),
    );
    return objects.flat();
  }

  async #methodsOf(object: string): Promise<readonly SchemaMethod[]> {
    const byName = (await this.#allObjects()).filter(({ name }) => name === object);
    const schemas = await Promise.all(
      byName.length > 0
        ? byName.map(({ agent, schemaId }) => this.#schemas(agent, schemaId === undefined ? [] : [schemaId]))
        : this.#chosen().map(agent => this.#schemasOfClass(agent, object)),
    );
    return schemas.flat().flatMap(({ methods }) => methods);
  }

  async #schemasOfClass(agent: ConsoleAgent, className: string) {
    const bare = className.slice(className.indexOf(':') + 1);
    return this.#schemas(
      agent,
      (await this.#idsOf(agent)).filter(id => id.className === bare),
    );
  }

  async #schemas(agent: ConsoleAgent, ids: readonly SchemaId[]) {
    const results = await Promise.allSettled(ids.map(id => agent.schema(id, this.#options)));
    return results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  }
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
