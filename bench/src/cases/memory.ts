import type { Fleet } from '../fleet.js';
import { burst } from './burst.js';
import type { Line, Sizes } from './lines.js';

/** What the heap of a process may differ by from one garbage collection to the next. */
const FLAT = 1.1;

/** Resident memory of each role before, after the first tenth, and at the end of many events. */
export async function memory(fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  const { broker, qmf, bare } = fleet;
  const ours = [
    { what: 'QMF agent', memory: () => qmf.responder.ask('memory', {}) },
    { what: 'QMF console', memory: () => qmf.requester.ask('memory', {}) },
  ];
  const others = [
    ...(broker === undefined ? [] : [{ what: 'broker', memory: () => broker.ask('memory', {}) }]),
    { what: 'bare sender', memory: () => bare.responder.ask('memory', {}) },
    { what: 'bare receiver', memory: () => bare.requester.ask('memory', {}) },
  ];
  const roles = [...ours, ...others];
  const sample = () => Promise.all(roles.map(role => role.memory()));
  const send = async (count: number): Promise<void> => {
    for (const pair of [qmf, bare]) {
      for (let sent = 0; sent < count; sent += sizes.events) {
        await burst(pair, Math.min(sizes.events, count - sent));
      }
    }
  };
  const firstTenth = Math.ceil(sizes.memoryEvents / 10);
  const start = await sample();
  await send(firstTenth);
  const tenth = await sample();
  await send(sizes.memoryEvents - firstTenth);
  const end = await sample();
  return roles.map(({ what }, index) => {
    const figures = { start: start[index] ?? 0, tenth: tenth[index] ?? 0, end: end[index] ?? 0 };
    const goal = { text: `≤ ${FLAT} × the first tenth's`, met: figures.end <= figures.tenth * FLAT };
    return {
      kind: 'memory',
      case: 'memory',
      role: what,
      over: `${sizes.memoryEvents} events`,
      ...figures,
      ...(index < ours.length ? { goal } : {}),
    };
  });
}
