import {
  addressToPlain,
  type AgentException,
  type InputsOf,
  mapToPlain,
  type MethodCall,
  type OutputsOf,
  type PlainMap,
  toValue,
  type ValueMap,
  type WireHandler,
} from '@imagefactory/qmf';
import { FACTORY_OBJECT, type FactoryRecords } from '@imagefactory/schema';
import type { Order } from '@imagefactory/factory/store';
import { v5 as uuidv5 } from 'uuid';
import { formOfCall } from '../build-image-forms.js';
import { orderMethods } from '../factory.js';
import type { FactoryParts } from '../parts.js';
import { invalid } from '../refusal.js';
import { shownCaller } from '../shown-caller.js';
import { addressOf } from './pages.js';
import { comparable } from './comparable.js';

type Inputs = InputsOf<typeof FactoryRecords, 'order'>;
type Outputs = OutputsOf<typeof FactoryRecords, 'order'>;

/** Makes the id of an order from its caller, key, method and arguments. */
const namespace = '6a0f3d5e-9d0b-4b7e-8a53-0f3c1c7d2b64';

/** Characters of a key. */
const keyLimit = 255;

interface KeyedOrder {
  readonly id: string;
  readonly caller: string;
  readonly key: string;
  readonly method: string;
  readonly given: ValueMap;
}

/**
 * Carries out the orders of callers once for each key, also over restarts of the agent, for as long as the order is on record. The id of such an
 * order is made from all that it consists of, so that one with the same key and other arguments is recognised.
 */
export class KeyedOrders {
  readonly #underWay = new Map<string, { readonly id: string; readonly results: Promise<ValueMap> }>();

  constructor(private readonly parts: FactoryParts) {}

  /** @throws AgentException for a bad key, a key of another order, a method that orders nothing, and what the method answers */
  async carryOut({ order_key: key, method, arguments: given }: Inputs, call: MethodCall): Promise<Outputs> {
    if (key === '' || key.length > keyLimit)
      throw invalid('order_key', `a text of 1 to ${keyLimit} characters is expected, such as a uuid`);
    const known = [...orderMethods(this.parts).keys()];
    if (!known.includes(method)) throw invalid('method', `it orders nothing; there are ${known.join(', ')}`);
    const { session, gate } = this.parts;
    const caller = shownCaller(call.caller);
    const address = { agentName: session.name, objectName: FACTORY_OBJECT, agentEpoch: 0 };
    const inner = { ...call, method, address };
    const results = await gate(inner, async () => {
      const about = [caller, key, method, await comparable(given, call)];
      const id = uuidv5(JSON.stringify(about), namespace);
      return await this.#once({ id, caller, key, method, given: mapOf(given) }, inner);
    });
    return { results: mapToPlain(results) };
  }

  #once(order: KeyedOrder, call: MethodCall): Promise<ValueMap> {
    const slot = JSON.stringify([order.caller, order.key]);
    const running = this.#underWay.get(slot);
    if (running !== undefined)
      return running.id === order.id ? running.results : Promise.reject(otherOrder());
    const results = this.#results(order, call).finally(() => this.#underWay.delete(slot));
    this.#underWay.set(slot, { id: order.id, results });
    return results;
  }

  async #results(order: KeyedOrder, call: MethodCall): Promise<ValueMap> {
    const { id, caller, key, method } = order;
    const where = { caller, order_key: key };
    const [known] = (await this.parts.record.find('orders', { where })).items;
    if (known !== undefined && known.id !== id) throw otherOrder();
    if (method === 'import_image') return await this.#import(order, known, call);
    if (known !== undefined) return await this.#earlierResults(order);
    const request = { orderId: id, orderKey: key };
    return await handlerOf(order, { ...this.parts, request })(order.given, call);
  }

  /** An import into the same image and build is recorded under the same ids, however often it is repeated. */
  async #import(order: KeyedOrder, known: Order | undefined, call: MethodCall): Promise<ValueMap> {
    const { id, caller, key } = order;
    const given = new Map(order.given);
    for (const name of ['image', 'build']) {
      const value = given.get(name) ?? '';
      if (value === '') given.set(name, uuidv5(name, id));
    }
    const results = await handlerOf(order, this.parts)(given, call);
    const added = { id, caller, orderKey: key, door: 'qmf', action: 'import' };
    if (known === undefined) await this.parts.record.commit([{ change: 'order.add', order: added }]);
    return results;
  }

  /** The addresses of the order's jobs, in the order in which it named their targets or providers. */
  async #earlierResults({ id, method, given }: KeyedOrder): Promise<ValueMap> {
    const { record } = this.parts;
    const { items: jobs } = await record.find('jobs', { where: { order_id: id }, limit: 1000 });
    const { items: added } = await record.find('events', {
      where: [
        { field: 'type', operator: '=', value: 'job.added' },
        { field: 'job', operator: 'in', value: jobs.map(job => job.id) },
      ],
      limit: 1000,
    });
    const sequence = new Map(added.map(event => [event.job, event.sequence]));
    const inOrder = [...jobs].sort((a, b) => (sequence.get(a.id) ?? 0) - (sequence.get(b.id) ?? 0));
    const addresses = inOrder.map(job => addressToPlain(addressOf(job, this.parts)));
    const isList = method === 'push_image' || (method === 'build_image' && formOfCall(given).form === 'list');
    return mapOf(isList ? { build_adaptors: addresses } : { build_adaptor: addresses[0] ?? {} });
  }
}

function handlerOf({ method }: KeyedOrder, parts: FactoryParts): WireHandler {
  const handler = orderMethods(parts).get(method);
  if (handler === undefined) throw new Error(`${method} has no handler`);
  return handler;
}

function mapOf(map: PlainMap): ValueMap {
  return new Map(Object.entries(map).map(([name, value]) => [name, toValue(value, name)]));
}

function otherOrder(): AgentException {
  return invalid(
    'order_key',
    'an order with another method or other arguments has this key; give each order a key of its own',
  );
}
