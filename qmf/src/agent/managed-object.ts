import { addressToPlain, type DataAddress } from '../data/data-address.js';
import type {
  DataClass,
  InputsOf,
  MethodDeclaration,
  MethodNamesOf,
  OutputsOf,
  ValuesOf,
} from '../schema/declare.js';
import type { PlainMap } from '../value/convert.js';
import { decodeValues } from '../schema/native.js';
import { encodeOutputs, encodeValues, inputDecoder } from './arguments.js';
import type { MethodCall, ObjectStore, StoredObject, WireHandler } from './object-store.js';

/** Handlers of a class's methods, by name; an exception is answered by throwing `AgentException`. */
export type MethodHandlers<C extends DataClass> = {
  readonly [N in MethodNamesOf<C>]: (
    inputs: InputsOf<C, N>,
    call: MethodCall,
  ) => OutputsOf<C, N> | Promise<OutputsOf<C, N>>;
};

/** A managed object that consoles can query and call. */
export interface ManagedObject<C extends DataClass> {
  readonly address: DataAddress;
  /** The address as method results and events carry it. */
  readonly addressMap: PlainMap;
  readonly values: Readonly<ValuesOf<C>>;
  /** @throws QmfError `invalid_argument` for a value that does not fit the declaration */
  update(changes: Partial<ValuesOf<C>>): void;
  /** Takes the object off the bus. */
  remove(): void;
}

/** An object of the store as its owner sees it. */
export function managedObject<C extends DataClass>(
  stored: StoredObject,
  store: ObjectStore,
): ManagedObject<C> {
  return {
    get address() {
      return stored.address;
    },
    get addressMap() {
      return addressMapOf(stored.address);
    },
    get values() {
      // Encoded from ValuesOf<C> by the class's own schema, so decoding by it gives that type back.
      return decodeValues(stored.schema.properties, stored.values) as Readonly<ValuesOf<C>>;
    },
    update: changes => store.update(stored, encodeValues(stored.schema, changes)),
    remove: () => store.remove(stored),
  };
}

/** Made before: each event of an object carries it. */
const addressMaps = new WeakMap<DataAddress, PlainMap>();

function addressMapOf(address: DataAddress): PlainMap {
  const known = addressMaps.get(address);
  if (known !== undefined) return known;
  const made = addressToPlain(address);
  addressMaps.set(address, made);
  return made;
}

/** Wraps typed handlers: arguments are checked and decoded before, results encoded after. */
export function wireHandlers<C extends DataClass>(
  dataClass: C,
  methods: MethodHandlers<C>,
): Map<string, WireHandler> {
  const handlers = new Map<string, WireHandler>();
  for (const [name, declaration] of Object.entries(dataClass.methods)) {
    // `MethodHandlers<C>` has a handler for every declared name; the index signature of Object.entries hides that.
    const handler = methods[name as MethodNamesOf<C>] as LooseHandler;
    handlers.set(name, checked(name, declaration, handler));
  }
  return handlers;
}

/**
 * A handler of one method in one form, for those that take calls as they come and have to choose among forms: checks and decodes the
 * arguments by the declaration, and encodes the results.
 */
export function wireHandler<C extends DataClass, N extends MethodNamesOf<C>>(
  dataClass: C,
  name: N,
  handler: MethodHandlers<C>[N],
): WireHandler {
  const declaration = dataClass.methods[name];
  if (declaration === undefined) throw new Error(`${dataClass.schema.id.className} has no method ${name}`);
  // The inputs are decoded by the very declaration that the handler's type follows from.
  return checked(name, declaration, handler as LooseHandler);
}

type LooseHandler = (inputs: unknown, call: MethodCall) => object | Promise<object>;

function checked(name: string, declaration: MethodDeclaration, handler: LooseHandler): WireHandler {
  const decode = inputDecoder(name, declaration);
  return async (inputs, call) => {
    const outputs = await handler(decode(inputs), call);
    return encodeOutputs(name, declaration, outputs);
  };
}
