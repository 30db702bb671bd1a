import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Severity } from '../schema/types.js';
import { agentSettings } from '../agent/options.js';
import { checkAgentName } from './agent-name.js';
import { eventKey, heartbeatKey, replyKeyFor } from './keys.js';

const agent = { vendor: 'example.com', product: 'widgetd', instance: 'inst.1' };
const id = { packageName: 'com.example', className: 'Widget.Resized', kind: '_event' } as const;

describe('routing keys (§1.3)', () => {
  it('§9.28 have underscores for the dots inside a part', () => {
    expect(heartbeatKey(agent)).to.equal('agent.ind.heartbeat.example_com.widgetd.inst_1');
    expect(eventKey(id, Severity.WARN, agent)).to.equal(
      'agent.ind.event.com_example.Widget_Resized.warn.example_com.widgetd.inst_1',
    );
  });

  it("§9.32 have the broker's severity words, from 0 on", () => {
    const words = Object.values(Severity).map(severity => eventKey(id, severity, agent).split('.')[5]);
    expect(words).to.deep.equal(['emerg', 'alert', 'crit', 'error', 'warn', 'note', 'info', 'debug']);
  });

  it('§9.29 are cut to 255 bytes, never inside a character', () => {
    for (let length = 200; length < 260; length++) {
      const key = heartbeatKey({ ...agent, instance: 'x'.repeat(length) + 'é'.repeat(20) });
      expect(Buffer.byteLength(key)).to.be.at.most(255);
      expect(key).to.not.include('\uFFFD');
    }
  });

  it('for answers bear the user, without what means something in keys, addresses and ACLs', () => {
    const keyOf = (user?: string): string => replyKeyFor(user, 'ID');
    expect(keyOf()).to.equal('direct-console.ID');
    expect(keyOf('')).to.equal('direct-console.ID');
    expect(keyOf('operator')).to.equal('direct-console.operator.ID');
    expect(keyOf('an.na@QPID')).to.equal('direct-console.an_na_QPID.ID');
    expect(keyOf('#/*. \n')).to.equal('direct-console.______.ID');
    expect(Buffer.byteLength(keyOf('é'.repeat(500)))).to.be.at.most(255);
    expect(keyOf('xé'.repeat(500))).to.match(/^direct-console\.(xé){33}x?\.ID$/);
  });

  it('§9.29 an agent name that fits no key is refused', () => {
    expect(() => checkAgentName({ ...agent, instance: 'x'.repeat(300) })).to.throw(/255/);
    expect(() => checkAgentName({ ...agent, vendor: 'a:b' })).to.throw(/vendor.*colon/);
  });
});

describe('agent options', () => {
  it('§9.12 give the same _direct_subject for the same name, and another for another', () => {
    const subject = agentSettings(agent).directSubject;
    expect(agentSettings(agent).directSubject).to.equal(subject);
    expect(subject).to.match(/^direct-agent\.route\.[0-9a-f-]{36}$/);
    expect(agentSettings({ ...agent, instance: 'other' }).directSubject).to.not.equal(subject);
  });

  const wrong = [
    ['interval', { interval: 0 }],
    ['interval', { interval: 1.5 }],
    ['interval', { interval: 4_000_000 }],
    ['epoch', { epoch: 0 }],
    ['epoch', { epoch: 2 ** 32 }],
    ['map key', { attributes: { ['k'.repeat(300)]: 1 } }],
  ] as const;
  for (const [name, options] of wrong) {
    it(`refuse ${JSON.stringify(options).slice(0, 40)} by name`, () => {
      expect(() => agentSettings({ ...agent, ...options })).to.throw(new RegExp(name));
    });
  }
});
