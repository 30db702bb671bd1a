import { expect } from 'chai';
import { describe, it } from 'mocha';
import { channelError, vhostError } from './amqp091/errors.js';
import { connectionError, cutAfterLogin, describeCondition } from './amqp10/conditions.js';
import { parseBrokerUrl } from './broker-url.js';
import { requestRefused } from './amqp10/dialects/rabbitmq4-management.js';
import { peerWords, shownName } from './dial/peer-words.js';

const vhost = parseBrokerUrl('amqp://b/vhost%3Anope');

/** As recorded from RabbitMQ 3.10. */
const insufficient = {
  condition: 'amqp:unauthorized-access',
  description: "Access for user 'guest' was refused: insufficient permissions",
};
const noproc =
  'Reader error: {noproc,{gen_server2,call,[<0.705.0>,info,30000]}}\n[{gen_server2,call,3,[{file,"gen_server2.erl"},{line,346}]},\n {rabbit_amqp1_0_reader';
/** And from RabbitMQ 4.0. */
const clause =
  'Session error: {function_clause,[{rabbit_amqp_session,parse,["x"],[{file,"rabbit_amqp_session.erl"},{line,1}]}]}';

describe('the words for a refusal', () => {
  it('say what may be wrong with a virtual host over AMQP 1.0, and nothing of a password', () => {
    const refused = connectionError(vhost, 'guest', insufficient);
    expect(refused).to.include({ code: 'not_authorised' });
    expect(refused.message).to.match(/did not open the virtual host 'vhost:nope' after the login/);
    expect(refused.remedy).to.equal(
      "check at the broker that the virtual host 'vhost:nope' exists, that the user 'guest' may use it, and that no limit of connections is reached",
    );
    const cut = cutAfterLogin(vhost, 'guest', { code: 'ECONNRESET', message: 'read ECONNRESET' });
    expect(cut).to.include({ code: 'unreachable', remedy: refused.remedy });
  });

  it('name the right that is missing over AMQP 0-9-1', () => {
    const text = `Operation failed: QueueDeclare; 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - access to queue 'amq.gen-x' in vhost '/' refused for user 'u'"`;
    const refused = channelError('listening', Object.assign(new Error(text), { code: 403 }), 'to listen');
    expect(refused.code).to.equal('not_authorised');
    expect(refused.message).to.match(/^listening: ACCESS_REFUSED - .* \(403\)$/);
    expect(refused.remedy).to.equal('give the user the right to listen at the broker (docs/brokers.md)');
    const noVhost = { code: 530, text: "NOT_ALLOWED - access to vhost '/' refused for user 'u'" };
    expect(vhostError('amqp091://b', '/', 'u', noVhost).remedy).to.match(/a right to the virtual host/);
  });

  it('hold no stack trace of Erlang, no second line and no more than a line', () => {
    expect(peerWords(noproc)).to.equal('Reader error: {noproc,{gen_server2,call,[<0.705.0>,info,30000]}}…');
    expect(peerWords(clause)).to.equal('Session error: {function_clause…');
    expect(describeCondition({ condition: 'amqp:internal-error', description: noproc })).to.have.length.below(
      120,
    );
    expect(peerWords('x'.repeat(100_000))).to.have.lengthOf(241);
    expect(peerWords('a\u001b[31mb\u2028c')).to.equal('a?[31mb?c');
    expect(peerWords(' as it is ')).to.equal('as it is');
  });

  it('show as much of an address as is of use', () => {
    expect(shownName('qmf.default.topic')).to.equal('qmf.default.topic');
    expect(shownName('k'.repeat(60_000))).to.equal(`${'k'.repeat(100)}… (60000 characters)`);
    expect(shownName('a\nb')).to.equal('a?b');
  });

  it('are short and plain where the management of RabbitMQ 4 says why it refuses', () => {
    expect(requestRefused('PUT /queues/q', '201', '')).to.equal(undefined);
    expect(requestRefused('PUT /queues/q', '403', "access to queue 'q' refused")).to.include({
      code: 'not_authorised',
      message: "PUT /queues/q: 403 access to queue 'q' refused",
    });
    const rude = requestRefused('POST /bindings', '400', `no\u001b[2J\u202e${'x'.repeat(100_000)}`);
    expect(rude?.code).to.equal('address_refused');
    expect(rude?.message).to.match(/^POST \/bindings: 400 no\?\[2J\?x{200,240}…$/);
  });
});
