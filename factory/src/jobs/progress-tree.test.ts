import type { Progress } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ProgressTree } from './progress-tree.js';

function recorded(): { tree: ProgressTree; percents: number[]; activities: string[] } {
  const percents: number[] = [];
  const activities: string[] = [];
  const tree = new ProgressTree({
    percent: percent => percents.push(percent),
    activity: (activity, detail) =>
      activities.push(detail === undefined ? activity : `${activity}: ${detail}`),
  });
  return { tree, percents, activities };
}

/** What a plugin may do with its progress, in any order and with any numbers. */
type Act =
  | { readonly kind: 'update'; readonly fraction: number }
  | {
      readonly kind: 'step';
      readonly share: number;
      readonly acts: readonly Act[];
      readonly end: 'well' | 'badly';
    };

const number = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.double());
const acts = fc.letrec<{ acts: Act[] }>(tie => ({
  acts: fc.array(
    fc.oneof(
      { maxDepth: 4 },
      number.map((fraction): Act => ({ kind: 'update', fraction })),
      fc
        .record({ share: number, acts: tie('acts'), end: fc.constantFrom('well', 'badly') })
        .map(({ share, acts, end }): Act => ({ kind: 'step', share, acts, end })),
    ),
    { maxLength: 6 },
  ),
})).acts;

/** Work that reports once and is done. */
const reporting =
  (fraction: number, message?: string) =>
  (progress: Progress): Promise<void> => {
    progress.update(fraction, message);
    return Promise.resolve();
  };

describe('ProgressTree', () => {
  it('adds up nested steps by their shares', async () => {
    const { tree, percents, activities } = recorded();
    await tree.root.step('base', 0.2, async base => {
      await base.step('unpacking', 0.5, reporting(0.5, 'half'));
      base.update(0.75);
    });
    await tree.root.step('target', 0.8, reporting(0.375));
    expect(percents).to.deep.equal([5, 10, 15, 20, 50, 99]);
    expect(activities).to.deep.equal(['base', 'unpacking', 'unpacking: half', 'target']);
  });

  it('counts steps that run at the same time', async () => {
    const { tree, percents } = recorded();
    let finish: () => void = () => undefined;
    const waiting = new Promise<void>(resolve => {
      finish = resolve;
    });
    const both = Promise.all([
      tree.root.step('a', 0.5, async progress => {
        progress.update(0.4);
        await waiting;
      }),
      tree.root.step('b', 0.5, async progress => {
        progress.update(0.6);
        await waiting;
      }),
    ]);
    expect(percents).to.deep.equal([20, 50]);
    finish();
    await both;
    expect(tree.percent).to.equal(99);
  });

  it('never goes back and never reaches 100, whatever a plugin reports', async () => {
    await fc.assert(
      fc.asyncProperty(acts, async list => {
        const { tree, percents } = recorded();
        const play = async (progress: typeof tree.root, list: readonly Act[]): Promise<void> => {
          for (const act of list) {
            if (act.kind === 'update') progress.update(act.fraction);
            else {
              const work = async (inner: typeof tree.root): Promise<void> => {
                await play(inner, act.acts);
                if (act.end === 'badly') throw new Error('badly');
              };
              await progress.step('step', act.share, work).catch(() => undefined);
            }
          }
        };
        await play(tree.root, list);
        for (const [index, percent] of percents.entries()) {
          expect(percent).to.satisfy(Number.isInteger).and.be.within(1, 99);
          expect(percent).to.be.greaterThan(percents[index - 1] ?? 0);
        }
      }),
    );
  });

  it('ignores what is no number', () => {
    const { tree, percents } = recorded();
    tree.root.update('0.5' as unknown as number);
    tree.root.update(Number.NaN);
    expect(percents).to.deep.equal([]);
  });

  it('knows the innermost step that failed, though its error is wrapped on the way out', async () => {
    const { tree } = recorded();
    const inner = (progress: typeof tree.root): Promise<void> =>
      progress.step('installing nginx', 1, () => Promise.reject(new Error('no')));
    await tree.root
      .step('making the base image', 1, async progress => {
        await inner(progress).catch((cause: unknown) => {
          throw new Error('wrapped', { cause });
        });
      })
      .catch(() => undefined);
    expect(tree.activity).to.equal('installing nginx');
  });

  it('forgets a failure that a plugin has got over', async () => {
    const { tree } = recorded();
    await tree.root.step('first try', 0.5, () => Promise.reject(new Error('no'))).catch(() => undefined);
    await tree.root.step('second try', 0.5, () => Promise.resolve());
    expect(tree.activity).to.equal(undefined);
  });

  it('says nothing more once it is closed', async () => {
    const { tree, percents, activities } = recorded();
    tree.close();
    await tree.root.step('late', 1, reporting(0.5, 'still here'));
    expect([...percents, ...activities]).to.deep.equal([]);
  });
});
