import { after, before, describe, it } from 'mocha';
import type { BrokerKind, MissingBroker, Protocol, RealBroker } from '../support/brokers/index.js';
import { skipBecause } from '../support/lane.js';
import { buildsAsDocumented } from './access.js';
import { namesakesAsDocumented } from './howto.js';
import { type Exceptions, rolesAsDocumented } from './roles.js';

/** A broker with the configuration that docs/brokers.md shows. */
export interface Configured {
  readonly kind: BrokerKind;
  readonly protocols: readonly Protocol[];
  readonly start: () => Promise<RealBroker | MissingBroker>;
  readonly exceptions?: Exceptions;
  /** Defines tests of this broker's own. */
  readonly more?: (url: () => string) => void;
}

/** Starts a broker with the configuration that docs/brokers.md shows, and works with the users in it. */
export function configuredAsDocumented({ kind, protocols, start, exceptions, more }: Configured): void {
  describe(`the users and rights of docs/brokers.md at ${kind}`, function () {
    this.timeout(300_000);
    let broker: RealBroker | undefined;
    before(async function () {
      const started = await start();
      if ('missing' in started) return skipBecause(this, started.missing);
      broker = started;
    });
    after(() => broker?.stop());
    const url = (): string => broker?.url ?? '';
    for (const protocol of protocols) workAsDocumented(kind, url, protocol, exceptions);
    more?.(url);
  });
}

/** Defines what must hold with the users of docs/brokers.md over one protocol. */
export function workAsDocumented(
  kind: BrokerKind,
  url: () => string,
  protocol: Protocol,
  exceptions: Exceptions = {},
): void {
  describe(protocol, () => {
    rolesAsDocumented(url, protocol, exceptions);
    buildsAsDocumented(kind, url, protocol);
    it(`let two agents of one name hear of each other over ${protocol}`, () =>
      namesakesAsDocumented(url(), protocol));
  });
}
