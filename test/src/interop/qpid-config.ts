import { connectConsole } from '@imagefactory/console-client';

/** Properties of a queue, by the options of qpid-config. */
const properties: Readonly<Record<string, (value: string) => Readonly<Record<string, unknown>>>> = {
  '--durable': () => ({ durable: true }),
  '--limit-policy': value => ({ 'qpid.policy_type': value }),
  '--max-queue-count': value => ({ 'qpid.max_count': Number(value) }),
};

/** Asks a qpidd for what these lines of `qpid-config` ask it for: the program calls `create` of the broker's own agent. */
export async function makeAsQpidConfig(url: string, commands: string): Promise<void> {
  const console = await connectConsole({ broker: url });
  try {
    const agent = await console.session.findAgent(({ info }) => info.product === 'qpidd');
    const [broker] = await agent.query('{class:broker}');
    if (broker === undefined) throw new Error('the broker shows no object of its own');
    for (const line of commands.trim().split('\n'))
      await agent.call(broker, 'create', { ...request(line), strict: true });
  } finally {
    await console.close();
  }
}

function request(line: string): Readonly<Record<string, unknown>> {
  const [, command, ...words] = line.split(' ');
  if (command === 'bind') {
    const [exchange = '', queue = '', key = ''] = words;
    return { type: 'binding', name: `${exchange}/${queue}/${key}`, properties: {} };
  }
  const [kind = '', name = '', ...options] = words;
  if (command !== 'add' || kind !== 'queue') throw new Error(`not known here: ${line}`);
  const given = options.map(option => {
    const [word = '', value = ''] = option.split('=');
    const property = properties[word];
    if (property === undefined) throw new Error(`the option ${word} is not known here`);
    return property(value);
  });
  return { type: 'queue', name, properties: Object.assign({}, ...given) as object };
}
