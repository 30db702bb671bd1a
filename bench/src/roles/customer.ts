import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { residentMemory, serve } from '../process/serve.js';
import { clock, type CustomerRole } from './contract.js';

const descriptor = '<template><name>bench</name></template>';

class Customer implements CustomerRole {
  #client: ConnectedConsole | undefined;

  readonly start = async ({ broker }: { readonly broker: string }): Promise<void> => {
    this.#client = await connectConsole({ broker });
    await this.#client.findFactory();
  };

  readonly builds = async ({
    count,
    inFlight,
  }: {
    readonly count: number;
    readonly inFlight: number;
  }): Promise<number> => {
    const factory = await this.#factory();
    let left = count;
    const begin = clock();
    const order = async (): Promise<void> => {
      while (left-- > 0) await (await factory.buildImage({ descriptor, target: 'mock' })).finished();
    };
    await Promise.all(Array.from({ length: inFlight }, order));
    return clock() - begin;
  };

  readonly orders = async ({ count }: { readonly count: number }): Promise<readonly number[]> => {
    const factory = await this.#factory();
    const times: number[] = [];
    const ends: Promise<unknown>[] = [];
    for (let number = 0; number < count; number++) {
      const begin = clock();
      const build = await factory.buildImage({ descriptor, target: 'mock' });
      times.push(clock() - begin);
      ends.push(build.finished());
    }
    await Promise.all(ends);
    return times;
  };

  readonly memory = residentMemory;

  async #factory(): ReturnType<ConnectedConsole['findFactory']> {
    if (this.#client === undefined) throw new Error('the console was not started');
    return await this.#client.findFactory();
  }
}

serve(new Customer());
