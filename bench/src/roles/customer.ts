import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { residentMemory, serve } from '../process/serve.js';
import { clock, type CustomerRole } from './contract.js';

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
    if (this.#client === undefined) throw new Error('the console was not started');
    const factory = await this.#client.findFactory();
    const descriptor = '<template><name>bench</name></template>';
    let left = count;
    const begin = clock();
    const order = async (): Promise<void> => {
      while (left-- > 0) await (await factory.buildImage({ descriptor, target: 'mock' })).finished();
    };
    await Promise.all(Array.from({ length: inFlight }, order));
    return clock() - begin;
  };

  readonly memory = residentMemory;
}

serve(new Customer());
