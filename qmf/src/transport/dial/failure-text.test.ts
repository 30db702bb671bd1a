import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { certificate, certificateBytes, listen } from '../../testing/tls-front.test.fixture.js';
import { failure } from '../../testing/poll.test.fixture.js';
import { transportFor } from '../transport-for.js';
import { textOf } from './failure-text.js';

const coded = (code: string, message = `read ${code}`): Error => Object.assign(new Error(message), { code });

describe('the words for a failure', () => {
  it('tell in English what Node.js tells by a code, and keep the code', () => {
    expect(textOf(coded('ECONNRESET'))).to.equal('it was broken off from the other side (ECONNRESET)');
    const both = Object.assign(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]), {
      code: 'ECONNREFUSED',
    });
    expect(textOf(both)).to.equal('nothing listens there (ECONNREFUSED)');
  });

  it('are those of the error where no code says it', () => {
    expect(textOf(coded('EPROTO', 'as it is'))).to.equal('as it is');
    expect(textOf(new AggregateError([new Error('one'), new Error('two')]))).to.equal('one; two');
    expect(textOf(new Error(''))).to.equal('no reason given');
  });

  for (const scheme of ['amqp', 'amqp091', 'amqps', 'amqp091s']) {
    it(`are the same over ${scheme}://`, async () => {
      const dialled = transportFor(`${scheme}://127.0.0.1:1`).dial(new AbortController().signal);
      expect((await failure(dialled)).message).to.equal(
        `${scheme}://127.0.0.1:1 cannot be reached: nothing listens there (ECONNREFUSED)`,
      );
    });
  }

  for (const scheme of ['amqp', 'amqp091', 'amqps', 'amqp091s']) {
    it(`name a web server that answers at ${scheme}://`, async () => {
      const keys = { key: certificateBytes('server.key'), cert: certificateBytes('server.pem') };
      const isSecure = scheme.endsWith('s');
      const server = await listen(isSecure ? createSecureServer(keys) : createServer());
      const url = `${scheme}://127.0.0.1:${server.port}`;
      const transport = transportFor(url, isSecure ? { tls: { ca: certificate('ca.pem') } } : {});
      const error = await failure(transport.dial(AbortSignal.timeout(60_000)));
      expect(error).to.include({
        code: 'unreachable',
        message: `${url} cannot be reached: what answers there speaks HTTP; is it the port of the broker's management?`,
      });
      await server.stop();
    });
  }
});
