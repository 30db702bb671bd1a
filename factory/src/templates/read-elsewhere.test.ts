import { createMask } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { OverQuota } from '../access/index.js';
import { rejection } from '../testing/until.js';
import {
  lacksPasswords,
  loadTemplate,
  publicDescriptor,
  readElsewhere,
  readTemplate,
  TemplateError,
} from './index.js';

const os =
  '<os><name>Debian</name><version>12</version><arch>x86_64</arch><install type="url"><url>http://mirror.example/</url></install></os>';
const large = (packages: number, more = '') =>
  `<template><name>large</name>${os}<files><file name="/etc/motd">hällo</file></files><packages>${Array.from(
    { length: packages },
    (_item, index) => `<package name="package-number-${index}"/>`,
  ).join('')}${more}</packages></template>`;

/** Does some work, and counts the turns of the event loop meanwhile. */
async function turnsOf<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly turns: number }> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  try {
    const result = await work();
    return { result, turns };
  } finally {
    isOver = true;
  }
}

describe('reading a large template', () => {
  it('gives what reading it here gives, errors too, while the event loop goes on', async () => {
    let allTurns = 0;
    for (const text of [
      large(2_000),
      large(2_000, '<package/><nonsense/>'),
      large(2_000, '<a>'),
      large(25_000),
    ]) {
      const { result: reading, turns } = await turnsOf(() => readElsewhere(text, { form: 'build' }));
      allTurns += turns;
      const expected = readTemplate(text, { form: 'build' });
      expect(reading.problems).to.deep.equal(expected.problems);
      expect(reading.valid).to.equal(expected.valid);
      if (!reading.valid || !expected.valid) continue;
      const [file] = reading.template.files;
      expect(Buffer.from(file?.content as Uint8Array).toString()).to.equal('hällo');
      expect(reading.template.packages).to.deep.equal(expected.template.packages);
    }
    // A small one may be read within a turn; all of them together are not.
    expect(allTurns, 'turns of the event loop meanwhile').to.be.above(20);
  });

  it('hides its passwords in the same way, while the event loop goes on', async () => {
    const secret = 'a password & more';
    const text = large(15_000, `<!-- ${secret} -->`).replace(
      '</os>',
      '<rootpw>a password &amp; more</rootpw></os>',
    );
    const { result, turns } = await turnsOf(() => loadTemplate(text, {}, { caller: 'anna' }));
    expect(turns).to.be.above(20);
    expect(result.shown).to.equal(publicDescriptor(text, createMask([secret])));
    expect(result.shown).to.include('<rootpw>***</rootpw>').and.not.include(secret);
  });

  it('is how a stored template is searched for hidden passwords', async () => {
    const whole = large(15_000);
    const hidden = whole.replace('</os>', '<rootpw>***</rootpw></os>');
    for (const [text, expected] of [
      [whole, false],
      [hidden, true],
    ] as const) {
      const { result, turns } = await turnsOf(() => lacksPasswords(text));
      expect(result).to.equal(expected);
      expect(turns, 'turns of the event loop meanwhile').to.be.above(20);
    }
  });

  it('is how an order has its template read', async () => {
    const { template } = await loadTemplate(large(2_000), {}, { caller: 'anna' });
    expect(template.packages).to.have.lengthOf(2_000);
    const error = await rejection(loadTemplate(large(2_000, '<nonsense/>'), {}, { caller: 'anna' }));
    expect(error).to.be.instanceOf(TemplateError);
    expect(String(error)).to.include('nonsense');
  });

  it('ends at once when it is aborted, whether it is read or waits, and the next one is read', async () => {
    const reason = new Error('the agent stops');
    const controller = new AbortController();
    const text = large(15_000);
    const readings = Array.from({ length: 3 }, () =>
      rejection(readElsewhere(text, { caller: 'anna', signal: controller.signal })),
    );
    setImmediate(() => controller.abort(reason));
    expect(await Promise.all(readings)).to.deep.equal([reason, reason, reason]);
    expect(await rejection(readElsewhere(text, { signal: controller.signal }))).to.equal(reason);
    expect((await readElsewhere(large(1_000), { caller: 'anna' })).valid).to.equal(true);
  });

  it('takes only so many of one caller, and reads those of others all the same', async () => {
    const text = large(600);
    const read = (caller: string) => readElsewhere(text, { caller });
    const many = Array.from({ length: 30 }, () => read('greedy'));
    const settled = Promise.allSettled(many);
    expect((await read('anna')).valid).to.equal(true);
    const refused = (await settled).flatMap(result =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(refused, 'one was read, 16 waited').to.have.lengthOf(13);
    for (const error of refused) {
      expect(error).to.be.instanceOf(OverQuota);
      expect(String(error)).to.include('too many of your large templates wait already');
    }
  });
});
