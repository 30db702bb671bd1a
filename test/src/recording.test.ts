import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { Turns } from './faults/turns.js';
import { expectRecorded, recordedScenarios } from './recording/files.js';
import { recordOnEmbedded } from './recording/play.js';
import { scenarios } from './recording/scenarios.js';

describe('recorded conversations, on the embedded broker', function () {
  // Only for what hangs without end: what each scenario waits for has a patience of its own.
  this.timeout(600_000);
  this.slow(10_000);
  const turns = new Turns(4);
  const playing = new Map<string, Promise<string>>();

  // Those with processes wait for these; the others are played meanwhile. Each test below waits for its own.
  before(() => {
    for (const scenario of scenarios) {
      const played = turns.take(() => recordOnEmbedded(scenario));
      played.catch(() => undefined); // its test reports it
      playing.set(scenario.name, played);
    }
  });

  for (const { name } of scenarios) {
    it(`repeats ${name}`, async () => {
      await expectRecorded(name, (await playing.get(name)) ?? '');
    });
  }

  it('has a scenario for each recording', async () => {
    expect(await recordedScenarios()).to.have.members(scenarios.map(({ name }) => name));
  });
});
