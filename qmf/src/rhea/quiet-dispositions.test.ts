import { expect } from 'chai';
import { describe, it } from 'mocha';
import rhea from 'rhea';
import { readNullStates } from './quiet-dispositions.js';

/** Descriptor of the outcome `accepted` (AMQP 1.0 part 3, §3.4.2). */
const ACCEPTED = 0x24;

interface Side {
  readonly deliveries: { by_id(id: number): object | undefined };
  on_disposition(fields: object): void;
}

/** What rhea printed, and what it took in, when the peer settled delivery 7 with this state. */
function settle(side: 'outgoing' | 'incoming', state: unknown): { printed: unknown[]; delivery: object } {
  const session = rhea.create_container().create_connection({ port: 1, reconnect: false }).create_session();
  readNullStates(session);
  const sides = session as unknown as Record<'outgoing' | 'incoming', Side>;
  const delivery = {
    remote_settled: false,
    remote_state: undefined,
    link: { dispatch: () => undefined, _context: () => undefined },
  };
  sides[side].deliveries.by_id = () => delivery;
  const printed: unknown[] = [];
  const original = console.error;
  console.error = (...words: unknown[]) => printed.push(...words);
  try {
    sides[side].on_disposition({ first: 7, last: undefined, settled: true, state });
  } finally {
    console.error = original;
  }
  return { printed, delivery };
}

describe('a disposition', () => {
  for (const side of ['outgoing', 'incoming'] as const) {
    it(`with a null state settles in silence what is ${side}`, () => {
      const { printed, delivery } = settle(side, rhea.types.wrap(null));
      expect(printed).to.deep.equal([]);
      expect(delivery).to.include({ remote_settled: true, remote_state: undefined });
    });

    it(`with an outcome gives it to what is ${side}`, () => {
      const { delivery } = settle(side, rhea.types.wrap_described([], ACCEPTED));
      expect(delivery).to.have.property('remote_state').that.is.an('object');
    });
  }
});
