import type { AccessList } from '@imagefactory/factory/access';
import { rejection } from '@imagefactory/factory/testing';
import { addressFromPlain, addressToPlain, type PlainMap, type ReceivedEvent } from '@imagefactory/qmf';
import { sequenceOf } from '@imagefactory/schema';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { credentials, TestFactory } from '../../testing/factory.test.fixture.js';

const template = '<template><name>web</name></template>';

describe('factory_records', () => {
  let factory: TestFactory;
  beforeEach(async () => {
    factory = await TestFactory.open();
  });
  afterEach(() => factory.close());

  /** An answer's list of maps. */
  const maps = (answer: PlainMap, name: string): PlainMap[] => answer[name] as PlainMap[]; // by the schema

  const message = async (work: Promise<unknown>): Promise<string> => String(await rejection(work));

  describe('events', () => {
    const all = async (build: string, limit = 2): Promise<PlainMap[]> => {
      const events: PlainMap[] = [];
      for (let from = 1, over = false; !over; ) {
        const page = await factory.records('events', { build, from, limit });
        events.push(...maps(page, 'events'));
        over = page['over'] === true;
        from = page['next'] as number; // by the schema
      }
      return events;
    };

    /** What an event on the bus says, with its sequence. */
    const heard = (event: ReceivedEvent): PlainMap => ({ ...event.values, seq: sequenceOf(event) ?? 0 });
    const told = ({ time, ...event }: PlainMap): PlainMap => {
      expect(Number(time) / 1e6).to.be.closeTo(Date.now(), 60_000);
      return event;
    };
    const about = (name: string): ReceivedEvent[] =>
      factory.events.filter(({ values }) => (values['addr'] as PlainMap)['_object_name'] === name);

    for (const [year, order] of [
      ['2011', { method: 'build_image', inputs: { descriptor: template, target: 'mock' } }],
      ['2012', { method: 'image', inputs: { template, target: 'mock' } }],
    ] as const) {
      it(`has all that the bus was told of a build of ${year} and is on record, in the same words`, async () => {
        await factory.start(undefined);
        const address = await factory.order(order.method, order.inputs);
        await factory.outcome(address);
        const onRecord = about(address.objectName).filter(event => sequenceOf(event) !== undefined);
        expect(onRecord.length).to.be.greaterThan(2);
        const [accepted, ...rest] = (await all(address.objectName)).map(told);
        const addr = addressToPlain(address);
        expect(accepted).to.include({ event: 'STATUS', new_status: 'NEW', old_status: '' });
        expect(rest).to.deep.equal(onRecord.map(heard));
        expect(rest.map(event => event['addr'])).to.deep.equal(rest.map(() => addr));
      });
    }

    it('tells why a build has failed', async () => {
      await factory.start(undefined);
      const address = await factory.order('image', { template: '<template>FAIL</template>', target: 'mock' });
      await factory.outcome(address);
      const onRecord = about(address.objectName).filter(event => sequenceOf(event) !== undefined);
      expect((await all(address.objectName)).slice(1).map(told)).to.deep.equal(onRecord.map(heard));
      expect(onRecord.map(({ className }) => className)).to.include('BuildFailedEvent');
    });

    it('has those of all builds in their order, and goes on from any of them, also after a restart', async () => {
      await factory.start(undefined);
      const first = await factory.build();
      await factory.push(first);
      const before = maps(await factory.records('events', { build: '', from: 1 }), 'events');
      const sequences = before.map(event => Number(event['seq']));
      expect(sequences).to.deep.equal([...sequences].sort((a, b) => a - b));
      expect(new Set(before.map(event => JSON.stringify(event['addr'])))).to.have.property('size', 2);
      await factory.stop();
      await factory.start(undefined);
      const from = sequences[3] ?? 0;
      const page = await factory.records('events', { build: '', from });
      expect(page).to.include({ over: false, next: (sequences.at(-1) ?? 0) + 1 });
      expect(maps(page, 'events')).to.deep.equal(before.filter(event => Number(event['seq']) >= from));
      const next = Number(page['next']);
      expect(await factory.records('events', { build: '', from: next })).to.deep.equal({
        ...{ events: [], next, over: false },
      });
    });

    it('refuses builds that nobody knows, and numbers that are none', async () => {
      await factory.start(undefined);
      expect(await message(factory.records('events', { build: 'foo', from: 1 }))).to.include(
        'No build or image is on record as "foo"',
      );
      for (const [name, wrong] of [
        ['from', { from: -1 }],
        ['limit', { from: 1, limit: 0 }],
      ] as const)
        expect(await message(factory.records('events', { build: '', ...wrong }))).to.include(
          `Invalid argument: ${name}`,
        );
    });
  });

  describe('jobs and images', () => {
    it('are found by their fields, page by page', async () => {
      await factory.start(undefined);
      const built = await factory.build({ targets: ['mock', 'mock', 'mock'] });
      const pushed = await factory.push(built);
      const where = { kind: 'target', status: ['completed', 'failed'], percent: { '>=': 100 } };
      const first = await factory.records('jobs', { where, sort: ['-created', 'id'], limit: 2 });
      expect(maps(first, 'items')).to.have.lengthOf(2);
      const rest = await factory.records('jobs', {
        ...{ where, sort: ['-created', 'id'], limit: 2, after: first['next'] },
      });
      expect(rest).to.not.have.property('next');
      const ids = [...maps(first, 'items'), ...maps(rest, 'items')].map(job => job['id']);
      expect(new Set(ids)).to.have.property('size', 3);
      const [push] = maps(await factory.records('jobs', { where: { kind: 'provider' } }), 'items');
      expect(push).to.deep.include({
        id: pushed.id,
        provider: 'mock-one',
        status: 'completed',
        percent: 100,
      });
      expect(push).to.not.have.any.keys('door');
      const [event] = maps(await factory.records('events', { build: pushed.id, from: 1 }), 'events');
      expect(push?.['addr']).to.deep.equal(event?.['addr']);
      expect(JSON.stringify(first) + JSON.stringify(push)).to.not.include('pa55w0rd');
    });

    it('name the fields and operators that there are', async () => {
      await factory.start(undefined);
      const asked = (method: string, inputs: Record<string, unknown>): Promise<string> =>
        message(factory.records(method, inputs));
      expect(await asked('jobs', { where: { door: 1 } })).to.match(
        /^.*Invalid argument: where \(there is no field "door"; there are id, kind, status, .*ended\)/,
      );
      expect(await asked('images', { sort: ['-colour'] })).to.match(
        /Invalid argument: sort \(there is no field "colour"; there are id, .*provider/,
      );
      expect(await asked('jobs', { where: { kind: { like: 'x' } } })).to.include(
        'there are = != < <= > >= ~',
      );
      expect(await asked('jobs', { where: { kind: { '=': { a: 1 } } } })).to.include(
        'Invalid argument: where',
      );
      expect(await asked('jobs', { where: { 'kind.x': 1 } })).to.include('nothing is inside of kind');
      expect(await asked('jobs', { after: 'x' })).to.include('Invalid argument: after');
      expect(await asked('jobs', { sort: ['kind.x'] })).to.include('Invalid argument: sort');
    });
  });

  describe('order', () => {
    const order = async (key: string, method: string, given: Record<string, unknown>): Promise<PlainMap> => {
      const answer = await factory.records('order', { order_key: key, method, arguments: given });
      return answer['results'] as PlainMap; // by the schema
    };
    const jobs = async (): Promise<PlainMap[]> => maps(await factory.records('jobs', {}), 'items');
    const list = { image: '', build: '', template, targets: ['mock', 'mock'] };

    it('is carried out once for a key: at the same time, later, and after a restart', async () => {
      await factory.start(undefined);
      const both = await Promise.all([order('k', 'build_image', list), order('k', 'build_image', list)]);
      const [first] = both;
      expect(maps(first, 'build_adaptors')).to.have.lengthOf(2);
      expect(both[1]).to.deep.equal(first);
      expect(await order('k', 'build_image', list)).to.deep.equal(first);
      for (const address of maps(first, 'build_adaptors')) await factory.outcome(addressFromPlain(address));
      await factory.stop();
      await factory.start(undefined);
      expect(await order('k', 'build_image', list)).to.deep.equal(first);
      expect(await jobs()).to.have.lengthOf(2);
    });

    it('has one address where the method has one, with its epoch', async () => {
      await factory.start(undefined);
      const single = { descriptor: template, target: 'mock', image_uuid: '', sec_credentials: '' };
      for (const [key, method, given] of [
        ['one', 'image', { template, target: 'mock' }],
        ['two', 'build_image', single],
      ] as const) {
        const first = await order(key, method, given);
        const address = addressFromPlain(first['build_adaptor'] as PlainMap); // by the schema
        const { status } = await factory.outcome(address);
        expect(status).to.equal('COMPLETED');
        expect(await order(key, method, given)).to.deep.equal(first);
      }
      expect(await jobs()).to.have.lengthOf(2);
    });

    it('with another key, or without one, is another order', async () => {
      await factory.start(undefined);
      const [one, other] = [await order('a', 'build_image', list), await order('b', 'build_image', list)];
      expect(one).to.not.deep.equal(other);
      await factory.call('build_image', list);
      expect(await jobs()).to.have.lengthOf(6);
    });

    it('is refused for a key with another method or other arguments', async () => {
      await factory.start(undefined);
      const password = (text: string): string =>
        `<template><name>web</name><os><name>Fedora</name><version>14</version><arch>x86_64</arch><install type='url'><url>http://a.example/</url></install><rootpw>${text}</rootpw></os></template>`;
      const given = { ...list, template: password('one') };
      const first = await order('k', 'build_image', given);
      for (const [method, changed] of [
        ['build_image', { ...given, targets: ['mock'] }],
        ['build_image', { ...given, template }],
        ['image', { template: given.template, target: 'mock' }],
      ] as const)
        expect(await message(order('k', method, changed))).to.include('Invalid argument: order_key');
      // Passwords are kept nowhere, and so they are not compared.
      expect(await order('k', 'build_image', { ...given, template: password('two') })).to.deep.equal(first);
      expect(await jobs()).to.have.lengthOf(2);
    });

    it('that is refused leaves its key free', async () => {
      await factory.start(undefined);
      const wrong = { ...list, targets: ['moon'] };
      expect(await message(order('k', 'build_image', wrong))).to.include('Invalid argument: targets');
      expect(maps(await order('k', 'build_image', list), 'build_adaptors')).to.have.lengthOf(2);
      expect(await message(order('', 'build_image', list))).to.include('Invalid argument: order_key');
      expect(await message(order('x', 'instance_states', {}))).to.include('there are build_image, image,');
    });

    it('pushes and imports once', async () => {
      await factory.start(undefined);
      const { image, build } = await factory.build();
      const push = { image, build, providers: ['mock-one', 'mock-two'], credentials };
      const first = await order('push', 'push_image', push);
      expect(await order('push', 'push_image', push)).to.deep.equal(first);
      expect(await jobs()).to.have.lengthOf(3);
      const imported = {
        ...{ image: '', build: '', target_identifier: 'ami-1', image_desc: '', target: 'mock' },
        provider: 'mock-three',
      };
      const ids = await order('import', 'import_image', imported);
      expect(ids).to.have.all.keys('image', 'build', 'target_image', 'provider_image');
      await factory.stop();
      await factory.start(undefined);
      expect(await order('import', 'import_image', imported)).to.deep.equal(ids);
      const other = { ...imported, target_identifier: 'ami-2' };
      expect(await message(order('import', 'import_image', other))).to.include('Invalid argument: order_key');
    });

    it('passes the gate of the method, and its line in the audit', async () => {
      const access: AccessList = ({ method }) => method !== 'image';
      await factory.start(undefined, { access, acceptUnverifiedUsers: true });
      expect(await message(order('k', 'image', { template, target: 'mock' }))).to.include('Action Forbidden');
      await order('l', 'build_image', list);
      expect(factory.log.join('\n'))
        .to.match(/call of image_factory\.image by .*: forbidden/)
        .and.to.match(/call of image_factory\.build_image by .*: answered/);
    });
  });
});
