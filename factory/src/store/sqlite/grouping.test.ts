import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ordered, refusal } from '../store.suite.js';
import type { Step } from './apply.js';
import { Engine, type Outcome } from './engine.js';
import type { EngineCalls, EngineHost } from './host.js';
import { SecretsInMemory } from './secrets.js';
import { SqliteStore } from './sqlite-store.js';

/** A host that holds each commit until the test lets it go on. */
class HeldHost implements EngineHost {
  readonly #engine = Engine.open(undefined);
  /** Steps of the commits that were asked for. */
  readonly groups: number[] = [];
  readonly #held: (() => void)[] = [];
  readonly #expected: (() => void)[] = [];

  call<N extends keyof EngineCalls>(
    name: N,
    ...parameters: Parameters<EngineCalls[N]>
  ): Promise<ReturnType<EngineCalls[N]>> {
    // The answers belong to the names; EngineCalls cannot say so of a switch.
    if (name === 'commit') return this.#commit(parameters[0] as readonly Step[]) as Promise<never>;
    return Promise.resolve((name === 'jobsWithSecret' ? [] : undefined) as never);
  }

  async #commit(steps: readonly Step[]): Promise<readonly Outcome[]> {
    this.groups.push(steps.length);
    const goesOn = new Promise<void>(resolve => this.#held.push(resolve));
    this.#expected.shift()?.();
    await goesOn;
    return this.#engine.commit(steps);
  }

  /** Resolves when the store asks for its next commit. */
  asked(): Promise<void> {
    return new Promise(resolve => this.#expected.push(resolve));
  }

  letGo(): void {
    this.#held.shift()?.();
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

describe('grouping of steps', () => {
  it('has one commit under way at a time, and the next takes all steps that have come meanwhile', async () => {
    const host = new HeldHost();
    const copyTo = (): Promise<void> => Promise.reject(new Error('not here'));
    const store = await SqliteStore.open({ host, secrets: new SecretsInMemory(), copyTo });
    const first = host.asked();
    const outcomes = [refusal(store.commit(ordered().changes))];
    await first;
    for (let n = 0; n < 10; n++) {
      outcomes.push(refusal(store.commit(ordered().changes)));
      // Turns of the event loop pass, and nothing is asked of the host.
      await new Promise(resolve => setImmediate(resolve));
    }
    expect(host.groups).to.deep.equal([1]);
    const second = host.asked();
    host.letGo();
    await second;
    expect(host.groups).to.deep.equal([1, 10]);
    host.letGo();
    expect(await Promise.all(outcomes)).to.deep.equal(outcomes.map(() => 'none'));
    expect(store.statistics()).to.deep.equal({ steps: 11, commits: 2 });
    await store.close();
  });
});
