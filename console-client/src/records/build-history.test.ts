import { EventStream } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { BuildChange } from '../tracking/build-change.js';
import { changesFromBeginning } from './build-history.js';
import type { EventPage } from './event-pages.js';
import type { RecordedEvent } from './recorded-event.js';

const status = (word: string, sequence?: number): BuildChange => ({
  ...{ kind: 'status', status: word, oldStatus: '', caughtUp: false },
  ...(sequence === undefined ? {} : { sequence }),
});
const percent = (value: number, sequence?: number): BuildChange => ({
  ...{ kind: 'percent', percent: value, caughtUp: false },
  ...(sequence === undefined ? {} : { sequence }),
});
const failure = (sequence: number): BuildChange => ({
  ...{ kind: 'failure', type: 'no_space', info: 'the disk is full', caughtUp: false, sequence },
});

async function read(pages: readonly BuildChange[][], live: readonly BuildChange[]): Promise<string[]> {
  async function* recorded(): AsyncGenerator<EventPage> {
    for (const page of pages) {
      const events = page.map(
        (change): RecordedEvent => ({ sequence: change.sequence ?? 0, at: 0n, change }),
      );
      yield await Promise.resolve({ events, next: 0, over: false });
    }
  }
  const stream = new EventStream<BuildChange>();
  for (const change of live) stream.push(change);
  stream.end();
  const words: string[] = [];
  for await (const change of changesFromBeginning(recorded(), stream, () => undefined)) {
    const word =
      'status' in change ? change.status : 'percent' in change ? `${change.percent}%` : change.type;
    words.push(`${word} ${change.sequence ?? '-'}`);
  }
  return words;
}

describe('the history of a build', () => {
  it('takes a status again that comes again, and none twice', async () => {
    const recorded = [status('BUILDING', 10), status('QUEUED', 12), status('BUILDING', 14)];
    const live = [status('QUEUED', 12), status('BUILDING', 14), status('QUEUED', 16), status('BUILDING', 18)];
    expect(await read([recorded], live)).to.deep.equal([
      ...['BUILDING 10', 'QUEUED 12', 'BUILDING 14', 'QUEUED 16', 'BUILDING 18'],
    ]);
  });

  it('knows live changes without a sequence by what was here before', async () => {
    const live = [status('QUEUED'), percent(10), percent(30), status('BUILDING'), status('FINISHING')];
    expect(
      await read([[status('QUEUED', 10), percent(20, 11)], [status('BUILDING', 12)]], live),
    ).to.deep.equal([...['QUEUED 10', '20% 11', 'BUILDING 12', '30% -', 'FINISHING -']]);
  });

  it('takes all events of one step, and its end as the agent has confirmed it', async () => {
    const recorded = [percent(50, 9), percent(100, 12), failure(12), status('FAILED', 12)];
    const unknown: BuildChange = { kind: 'failure', type: 'unknown', info: '', caughtUp: true };
    expect(await read([recorded], [status('FAILED'), unknown])).to.deep.equal([
      ...['50% 9', '100% 12', 'FAILED 12', 'no_space 12'],
    ]);
  });
});
