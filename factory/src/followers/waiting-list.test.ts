import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { RecordedThing } from './changes.js';
import { keyOf, WaitingList, waitingIn } from './waiting-list.js';

const thing = (kind: RecordedThing['kind'], number: number): RecordedThing => ({
  kind,
  id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
});

describe('WaitingList', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'waiting-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const [image, build, target] = [thing('image', 1), thing('build', 2), thing('target_image', 3)];

  /** Takes everything out, in its order. */
  function emptied(list: WaitingList): string[] {
    const keys: string[] = [];
    for (let next = list.first(new Set()); next !== undefined; next = list.first(new Set())) {
      keys.push(keyOf(next));
      list.remove(next);
    }
    return keys;
  }

  it('keeps the order, and puts to the end what is marked again', async () => {
    const list = await WaitingList.open(directory);
    list.add([image, build]);
    list.add([target, image]);
    expect(list.size).to.equal(3);
    expect(list.first(new Set([keyOf(build)]))).to.include(target);
    expect(emptied(list)).to.deep.equal([build, target, image].map(keyOf));
    list.close();
  });

  it('forgets nothing that is marked again while it is under way', async () => {
    const list = await WaitingList.open(directory);
    list.add([image]);
    const underWay = list.first(new Set())!;
    list.add([image]);
    list.remove(underWay);
    expect(list.size).to.equal(1);
    list.close();
    expect(await waitingIn(directory)).to.deep.equal([image]);
  });

  it('is the same after any end of the process, whatever the last line looks like', async () => {
    const list = await WaitingList.open(directory);
    list.add([image, build, target]);
    list.remove(list.first(new Set())!);
    await list.synced();
    const path = join(directory, 'waiting-1.jsonl');
    await appendFile(path, '{"do":"sent","kind":"bui');
    list.add([image]);
    // A killed process closes nothing.
    expect(await waitingIn(directory)).to.deep.equal([build, target, image]);
    list.close();
    const again = await WaitingList.open(directory);
    expect(emptied(again)).to.deep.equal([build, target, image].map(keyOf));
    again.close();
    expect(await readFile(path, 'utf8')).to.match(/"sent"/);
  });

  it('is not shared by two processes, and taken over from those that are gone', async () => {
    const first = await WaitingList.open(directory);
    const second = await WaitingList.open(directory);
    first.add([image]);
    second.add([build]);
    expect(await waitingIn(directory)).to.deep.equal([image, build]);
    second.close();
    const third = await WaitingList.open(directory);
    expect(emptied(third), 'that of the second, and not that of the first').to.deep.equal([keyOf(build)]);
    third.close();
    first.close();
    await writeFile(join(directory, 'waiting-7.jsonl'), `${JSON.stringify({ do: 'send', ...target })}\n`);
    const last = await WaitingList.open(directory);
    expect(emptied(last)).to.deep.equal([image, target].map(keyOf));
    last.close();
    expect((await readdir(directory)).filter(name => name.endsWith('.jsonl'))).to.deep.equal([
      'waiting-1.jsonl',
    ]);
  });

  it('writes its file anew when most of it is about what has been sent', async () => {
    const list = await WaitingList.open(directory);
    list.add([image]);
    for (let number = 10; number < 2000; number++) {
      const one = thing('build', number);
      list.add([one]);
      list.remove(list.get(keyOf(one))!);
    }
    await list.synced();
    const lines = (await readFile(join(directory, 'waiting-1.jsonl'), 'utf8')).split('\n').length;
    expect(lines).to.be.lessThan(2500);
    expect(await waitingIn(directory)).to.deep.equal([image]);
    list.close();
  });
});
