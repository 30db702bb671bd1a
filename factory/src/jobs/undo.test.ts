import { expect } from 'chai';
import { describe, it } from 'mocha';
import { UndoStack } from './undo.js';

describe('UndoStack', () => {
  it('removes what is left, the latest first, and tells what it could not', async () => {
    const told: string[] = [];
    const undo = new UndoStack(
      { made: what => told.push(`+${what}`), unmade: what => told.push(`-${what}`) },
      20,
    );
    const removed: string[] = [];
    const make = (what: string) => undo.made(what, () => Promise.resolve(void removed.push(what)));
    make('disk');
    make('result').keep();
    await make('mount').remove();
    undo.made('machine', () => Promise.reject(new Error('quota')));
    undo.made('volume', () => new Promise(() => undefined));
    make('key');
    expect(await undo.undo()).to.deep.equal({
      removed: ['key', 'disk'],
      left: ['volume (it did not stop within 0 s and was left behind)', 'machine (quota)'],
    });
    expect(removed).to.deep.equal(['mount', 'key', 'disk']);
    expect(told.filter(text => text.startsWith('-'))).to.deep.equal(['-result', '-mount', '-key', '-disk']);
    expect(await undo.undo()).to.deep.equal({ removed: [], left: [] });
  });

  it('tries again at the end what could not be removed before', async () => {
    const undo = new UndoStack({ made: () => undefined, unmade: () => undefined });
    let calls = 0;
    const made = undo.made('loop', () =>
      ++calls === 1 ? Promise.reject(new Error('busy')) : Promise.resolve(),
    );
    expect(await made.remove().catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect(await undo.undo()).to.deep.equal({ removed: ['loop'], left: [] });
  });
});
