import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { turn } from './fake-timers.test.fixture.js';
import { World } from './model-world.test.fixture.js';
import type { SendOptions } from './options.js';

type Step = fc.AsyncCommand<World, World>;

/** The world is its own model: it is asked whether a step makes sense, and checks itself after each. */
function step(
  name: string,
  makesSense: (world: Readonly<World>) => boolean,
  run: (world: World) => unknown,
): Step {
  return {
    check: world => makesSense(world),
    run: async (_model, world) => {
      await run(world);
      await turn();
      world.check();
    },
    toString: () => name,
  };
}

const always = (): boolean => true;
const isDialled = (world: Readonly<World>): boolean => world.brokers.some(broker => broker.isDialled);
const isOpen = (world: Readonly<World>): boolean => world.wire !== undefined;
const hasMessages = (world: Readonly<World>): boolean => (world.wire?.unsettled.length ?? 0) > 0;

function answerDials(world: World, error?: QmfError): void {
  for (const broker of world.brokers) broker.answerDial(error);
}

const away = (): QmfError => new QmfError('unreachable', 'away');
const forbidden = (): QmfError => new QmfError('not_authorised', 'no');

const sending: fc.Arbitrary<SendOptions> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<SendOptions>({ whileAway: 'fail' }) },
  { weight: 3, arbitrary: fc.constant<SendOptions>({ whileAway: 'keep', importance: 'progress' }) },
  { weight: 3, arbitrary: fc.constant<SendOptions>({ whileAway: 'keep' }) },
);

const rare = fc.constantFrom<Step>(
  step(
    'drain',
    world => !world.isOver,
    world => world.drain(),
  ),
  step(
    'drain, and close before its end',
    world => !world.isOver,
    world => {
      world.drain();
      world.close();
    },
  ),
  step(
    'close',
    world => !world.isOver,
    world => world.close(),
  ),
  step('forbid the dial', isDialled, world => answerDials(world, forbidden())),
);

const common: fc.Arbitrary<Step>[] = [
  fc.constant(step('answer the dial', isDialled, world => answerDials(world))),
  fc.constant(step('refuse the dial', isDialled, world => answerDials(world, away()))),
  fc.constant(step('break', isOpen, world => world.wire?.break())),
  fc.constant(
    step('break, and a message before the news', isOpen, world => {
      world.wire?.break();
      world.send('a', { whileAway: 'keep' });
    }),
  ),
  fc.constant(step('ask whether it is ready', always, world => world.ready())),
  fc.constant(step('bind', always, world => world.bind())),
  fc.constant(
    step(
      'unbind',
      world => world.unbinds.length > 0,
      world => world.unbind(),
    ),
  ),
  fc.boolean().map(prompt =>
    step(`bindings ${prompt ? 'at once' : 'held'}`, always, world => {
      for (const broker of world.brokers) broker.bindsPromptly = prompt;
    }),
  ),
  fc.constant(
    step(
      'confirm bindings',
      world => world.brokers.some(broker => broker.hasBinds),
      world => {
        for (const broker of world.brokers) broker.answerBinds();
      },
    ),
  ),
  fc
    .integer({ min: 1, max: 5 })
    .map(count => step(`accept ${count}`, hasMessages, world => world.say('accept', count))),
  fc.constantFrom('release', 'reject').map(word => step(word, hasMessages, world => world.say(word))),
  fc
    .constantFrom(10, 60, 150, 400, 700)
    .map(time => step(`${time} ms`, always, world => world.timers.pass(time))),
];

const sends = fc
  .tuple(fc.constantFrom('a', 'a', 'b', 'c'), sending, fc.integer({ min: 1, max: 3 }))
  .map(([node, options, count]) =>
    step(`send ${count} to ${node} ${JSON.stringify(options)}`, always, world => {
      for (let sent = 0; sent < count; sent++) world.send(node, options);
    }),
  );

const nodes = ['a', 'b', 'c', 'd', 'e', 'f'];

/** More destinations than may be busy at once where the window is one message. */
const broadcast = step('send to each', always, world => {
  for (const node of nodes) world.send(node, { whileAway: 'keep' });
});

describe('BusConnection, in any order of events', () => {
  it('settles every promise, leaks nothing, keeps order, loses nothing that lasts, and counts right', async () => {
    const steps = fc.commands([sends, sends, sends, fc.constant(broadcast), ...common, ...common, rare], {
      maxCommands: 60,
      size: 'max',
    });
    const options = fc.record({
      brokers: fc.integer({ min: 1, max: 3 }),
      limit: fc.integer({ min: 1, max: 6 }),
      window: fc.integer({ min: 1, max: 4 }),
      maxAttempts: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 2),
    });
    await fc.assert(
      fc.asyncProperty(steps, options, async (commands, chosen) => {
        const world = new World(chosen);
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands);
        await world.heal();
        world.check();
        await world.checkEnd();
      }),
      { numRuns: 400 },
    );
  });
});
