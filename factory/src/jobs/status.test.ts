import { expect } from 'chai';
import { describe, it } from 'mocha';
import {
  assertBuildTransition,
  type BuildStatus,
  buildTransitions,
  isEnd,
  allTransitions,
} from './status.js';

// Object.keys gives exactly the keys of that closed record.
const all = Object.keys(buildTransitions) as BuildStatus[];

describe('the statuses of a build', () => {
  it('are the words of the QMF API', () => {
    expect(all).to.deep.equal([
      'NEW',
      'INITIALIZING',
      'PENDING',
      'BUILDING',
      'PUSHING',
      'FINISHING',
      'COMPLETED',
      'FAILED',
    ]);
  });

  it('change as the table says and in no other way', () => {
    for (const from of all) {
      for (const to of all) {
        const change = (): void => assertBuildTransition(from, to);
        if (buildTransitions[from].includes(to)) expect(change).not.to.throw();
        else expect(change).to.throw(`a build cannot go from ${from} to ${to}`);
        const again = (): void => assertBuildTransition(from, to, true);
        if (allTransitions()[from].includes(to)) {
          expect(again).not.to.throw();
        } else expect(again).to.throw();
      }
    }
  });

  it('change in two more ways after a restart', () => {
    const more = all.flatMap(from =>
      allTransitions()[from].flatMap(to => (buildTransitions[from].includes(to) ? [] : [`${from} ${to}`])),
    );
    expect(more).to.deep.equal(['BUILDING PENDING', 'FINISHING BUILDING']);
  });

  it('can all be reached from NEW, and all end', () => {
    const reached = new Set<BuildStatus>(['NEW']);
    for (const status of reached) for (const next of buildTransitions[status]) reached.add(next);
    expect([...reached]).to.have.members(all);
    expect(all.filter(isEnd)).to.deep.equal(['COMPLETED', 'FAILED']);
    for (const status of all) {
      if (!isEnd(status)) expect(buildTransitions[status]).to.include('FAILED');
      // Nothing is ever entered twice: the order of the list is the order of a build.
      for (const next of buildTransitions[status])
        expect(all.indexOf(next)).to.be.greaterThan(all.indexOf(status));
    }
  });
});
