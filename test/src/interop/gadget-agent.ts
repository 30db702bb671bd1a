import {
  AgentSession,
  BusConnection,
  defineData,
  defineEvent,
  QmfError,
  Severity,
  transportFor,
} from '@imagefactory/qmf';

/** A class whose values are hard to carry. */
export const Gadget = defineData({
  package: 'com.example.interop',
  name: 'Gadget',
  properties: { name: { type: 'string', index: true }, count: { type: 'int' }, payload: { type: 'map' } },
  methods: {
    echo: {
      arguments: {
        text: { type: 'string', dir: 'IO' },
        number: { type: 'int', dir: 'IO' },
        ratio: { type: 'float', dir: 'IO' },
        flag: { type: 'bool', dir: 'IO' },
        table: { type: 'map', dir: 'IO' },
        items: { type: 'list', dir: 'IO' },
      },
    },
    fail: { arguments: {} },
  },
});

export const Ticked = defineEvent({
  package: 'com.example.interop',
  name: 'Ticked',
  severity: Severity.NOTICE,
  properties: { number: { type: 'int' } },
});

/** Enough that answers come in several parts. */
export const GADGETS = 250;

/** An agent of many objects in this process. */
export async function startGadgetAgent(url: string): Promise<{
  readonly session: AgentSession;
  setCount(index: number, count: number): void;
  stop(): Promise<void>;
}> {
  const connection = new BusConnection(transportFor(url, { clientName: 'gadgets' }));
  const session = new AgentSession(connection, {
    vendor: 'example.com',
    product: 'gadgets',
    instance: `${process.pid}-${Date.now()}`,
    interval: 1,
  });
  session.register(Ticked);
  const gadgets = Array.from({ length: GADGETS }, (_, index) =>
    session.publish(Gadget, {
      name: `gadget-${index}`,
      values: { name: `gadget-${index}`, count: index, payload: { text: 'x'.repeat(4_000) } },
      methods: {
        echo: values => values,
        fail: () => {
          throw new QmfError('invalid_argument', 'no such gear: Zahnräder');
        },
      },
    }),
  );
  await session.open();
  connection.start();
  await connection.ready({ timeout: 60_000 });
  return {
    session,
    setCount: (index, count) => {
      gadgets[index]?.update({ count });
    },
    stop: async () => {
      session.close();
      await connection.close();
    },
  };
}
