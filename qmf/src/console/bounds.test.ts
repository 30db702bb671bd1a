import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Schema } from '../schema/schema.js';
import { Gadget } from '../testing/widgets.test.fixture.js';
import { EventHub } from './event-hub.js';
import type { ReceivedEvent } from './received-event.js';
import { SchemaCache } from './schema-cache.js';

function event(agent: string, text: string): ReceivedEvent {
  const about = { packageName: 'p', className: 'c', severity: 5, timestamp: 0n } as const;
  return { agent, ...about, values: { text }, wireValues: new Map([['text', text]]), properties: new Map() };
}

describe('what a console keeps of what others choose', () => {
  it('schemas: so many, of each agent its own, those that were asked for last', async () => {
    const cache = new SchemaCache(3);
    const loaded: string[] = [];
    const get = (agent: string, className: string): Promise<Schema> =>
      cache.get(agent, { ...Gadget.schema.id, className }, () => {
        loaded.push(`${agent}.${className}`);
        return Promise.resolve({ ...Gadget.schema, id: { ...Gadget.schema.id, className } });
      });
    for (const [agent, className] of [
      ['a', 'x'],
      ['b', 'x'],
      ['a', 'x'],
      ['a', 'y'],
      ['a', 'z'],
      ['a', 'x'],
      ['b', 'x'],
    ] as const) {
      expect((await get(agent, className)).id.className).to.equal(className);
    }
    expect(loaded).to.deep.equal(['a.x', 'b.x', 'a.y', 'a.z', 'b.x']);
    expect(cache.size).to.equal(3);
  });

  it('events of agents that are not known: by number and by bytes, the oldest go', () => {
    const hub = new EventHub(() => undefined, { count: 5, bytes: 100_000 });
    const told: unknown[] = [];
    hub.listen(({ values }) => told.push(values['text']));
    for (let number = 0; number < 8; number++) hub.hold(event('a', `${number}`), 0);
    expect(hub.dropped).to.equal(3);
    hub.hold(event('b', 'x'.repeat(45_000)), 0);
    expect(hub.dropped, 'one for the number').to.equal(4);
    hub.hold(event('c', 'y'.repeat(20_000)), 0);
    hub.release('b');
    hub.release('c');
    hub.release('a');
    expect(
      told.map(text => String(text)[0]),
      'all before the large one had to go with it',
    ).to.deep.equal(['y']);
    hub.hold(event('d', 'z'.repeat(60_000)), 0);
    hub.release('d');
    expect(told).to.have.lengthOf(1);
    expect(hub.dropped).to.equal(10);
    hub.hold(event('e', 'w'), 0);
    hub.expire(20_000);
    expect([hub.holding, hub.dropped]).to.deep.equal([false, 11]);
  });
});
