import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openStoreForReading } from '@imagefactory/factory/store';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Ran, runProgram } from '../testing/command.test.fixture.js';
import { TestFactory } from '../testing/factory.test.fixture.js';
import { askAgent } from './local-door.js';

describe('the command image beside an agent', function () {
  this.timeout(180_000);

  it('deletes by way of the agent, which keeps the one record', async () => {
    const factory = await TestFactory.open();
    try {
      await factory.start(undefined);
      const { id } = await factory.build();
      const { imageDirectory } = factory;
      const store = join(imageDirectory, 'store');
      const run = (...args: readonly string[]): Promise<Ran> =>
        runProgram('image', ...args, '--imgdir', imageDirectory);
      expect((await stat(join(store, 'agent.sock'))).mode & 0o777).to.equal(0o600);
      expect(await run('delete', id)).to.deep.equal({ status: 0, stdout: `${id}: deleted\n`, stderr: '' });
      expect(await readdir(imageDirectory)).not.to.include(`${id}.meta`);
      const reader = openStoreForReading(store);
      expect(await reader.get('images', id)).to.include({ status: 'deleted' });
      await reader.close();
      const again = await run('delete', id, '--json');
      const { failed } = JSON.parse(again.stdout) as { failed: readonly { code: string }[] }; // the command's own
      expect(failed).to.have.lengthOf(1);
      expect(failed[0]).to.include({ code: 'not_found' });
      expect(await askAgent(store, { delete: '../x', withChildren: false })).to.have.nested.property(
        'error.code',
        'not_found',
      );
      await factory.stop();
      expect(await readdir(store)).not.to.include('agent.sock');
    } finally {
      await factory.close();
    }
  });
});
