import { publishAdaptor, raiseStatus } from './adaptor.js';
import { type FactoryParts, keepFinished } from './factory.js';

/**
 * Puts the builds of earlier runs on the bus again, at the addresses that they had: those that go on, and those that are over and may still be
 * asked for. An end that may not have reached the broker before the agent was killed is told again.
 */
export function publishRecovered(parts: FactoryParts): void {
  const { session, engine, events } = parts;
  const oldestFirst = [...engine.recovered].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  for (const { build, told, endedAt } of oldestFirst) {
    const whenOver = keepFinished(build, parts);
    const adaptor = publishAdaptor(session, build, events, whenOver);
    if (endedAt === undefined) continue;
    const { state } = build;
    whenOver(
      adaptor,
      told ? Promise.resolve() : raiseStatus(adaptor, { from: 'FINISHING', state }, events),
      Math.max(0, Date.now() - endedAt),
    );
  }
}
