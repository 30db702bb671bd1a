import { after, before, describe, it } from 'mocha';
import type { MissingBroker, Protocol, RealBroker } from '../support/brokers/index.js';
import { skipBecause } from '../support/lane.js';
import { buildAsDocumented, namesakesAsDocumented, refusedAsDocumented } from './howto.js';

/**
 * Starts a broker with the configuration that docs/brokers.md shows, and works with the users in it.
 *
 * @param more defines tests of this broker's own
 */
export function configuredAsDocumented(
  name: string,
  protocols: readonly Protocol[],
  start: () => Promise<RealBroker | MissingBroker>,
  more?: (url: () => string) => void,
): void {
  describe(`${name} as docs/brokers.md configures it`, function () {
    this.timeout(120_000);
    let broker: RealBroker | undefined;
    before(async function () {
      const started = await start();
      if ('missing' in started) return skipBecause(this, started.missing);
      broker = started;
    });
    after(() => broker?.stop());

    for (const protocol of protocols) {
      it(`lets the two users do their work over ${protocol}`, () =>
        buildAsDocumented(broker?.url ?? '', { agent: protocol, console: protocol }));
      // Under the rules for Broker-J they do not (docs/brokers.md).
      if (name !== 'Qpid Broker-J')
        it(`lets two agents of one name hear of each other over ${protocol}`, () =>
          namesakesAsDocumented(broker?.url ?? '', protocol));
      it(`and nothing of the other's over ${protocol}`, () =>
        refusedAsDocumented(broker?.url ?? '', protocol));
    }
    more?.(() => broker?.url ?? '');
  });
}
