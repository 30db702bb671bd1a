import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Envelope } from '../message/envelope.js';
import { MessageIds } from './message-ids.js';

const full: Required<Omit<Envelope, 'userIds'>> = {
  to: { node: 'e', subject: 's' },
  replyTo: { node: 'r' },
  messageId: 'mine',
  correlationId: '1',
  contentType: 'amqp/map',
  userId: 'me',
  headers: new Map([['a', 'b']]),
  ttl: 5,
  body: { form: 'none' },
};

describe('MessageIds', () => {
  it('gives each message the text of another uuid, and leaves all else as it is', () => {
    const ids = new MessageIds();
    const without: Envelope = { ...full };
    Reflect.deleteProperty(without, 'messageId');
    const given = Array.from({ length: 300 }, () => ids.withId(without));
    const texts = given.map(({ messageId }) => messageId);
    expect(new Set([...texts, new MessageIds().withId(without).messageId]).size).to.equal(301);
    for (const text of texts)
      expect(text).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(given[0]).to.deep.equal({ ...full, messageId: texts[0] });
    expect(ids.withId({ to: { node: 'q' }, headers: full.headers, body: full.body })).to.have.all.keys(
      'to',
      'headers',
      'body',
      'messageId',
    );
  });

  it('leaves an id as it is', () => {
    expect(new MessageIds().withId(full)).to.equal(full);
  });
});
