import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';

const broker = await brokerForFile('qpidd');
if (broker !== undefined) {
  interoperabilityOn(broker);

  describe("a console on a real qpidd and the broker's own agent", () => {
    let client: ConnectedConsole;
    before(async () => {
      client = await connectConsole({ broker: broker.url });
    });
    after(() => client.close());

    it('meet, with schemas by QMFv1', async () => {
      const own = await client.session.findAgent(({ info }) => info.product === 'qpidd');
      const [object] = await own.query('{class:broker}');
      expect(object).not.to.equal(undefined);
      const schema = await own.schema(object!.schemaId!);
      expect(schema.methods.map(({ name }) => name)).to.include('echo');
      const hello = { sequence: 7, body: 'hello' };
      expect(await own.call(object!, 'echo', hello)).to.deep.equal(hello);
    });
  });
}
