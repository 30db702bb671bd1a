import { describe } from 'mocha';
import { startBroker } from '../broker/index.js';
import { RawPeer } from '../testing/raw-peer.test.fixture.js';
import { transportCuts } from '../testing/transport-cuts.test.fixture.js';
import {
  type ForeignQueue,
  transportSuite,
  type TransportSubject,
} from '../testing/transport-suite.test.fixture.js';
import { amqp10 } from './amqp10/amqp10.js';
import { parseBrokerUrl } from './broker-url.js';

async function openQueue(url: string): Promise<ForeignQueue> {
  const peer = await RawPeer.connect(parseBrokerUrl(url).port);
  const inbox = await peer.dynamicQueue();
  return {
    name: inbox.address,
    get bodies() {
      return inbox.messages.map(({ body }) => (body.form === 'data' ? body.bytes : Buffer.alloc(0)));
    },
    close: () => peer.close(),
  };
}

const subject: TransportSubject = {
  start: () => startBroker(),
  transport: (url, options) => amqp10(url, options),
  openQueue,
  substitutes: new Map(),
  carriesTtl: true,
  outlivesTypeConflict: true,
};

describe('AMQP 1.0 transport on the embedded broker', () => transportSuite(subject));
describe('AMQP 1.0 transport over a bad line', () => transportCuts(subject));
