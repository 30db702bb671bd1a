/**
 * For the author of an event-driven orchestrator: starts builds, follows each by its events, and never misses how one ended.
 * Everything is typed from the schema; nothing is polled.
 *
 * Usage: node examples/dist/orchestrator.js [BROKER]
 */
import {
  BuildAdaptorStatusEvent,
  BuildFailedError,
  connectConsole,
  QmfError,
} from '@imagefactory/console-client';

const console_ = await connectConsole({ broker: process.argv[2] ?? 'localhost' });
const factory = await console_.findFactory();

// Whatever anybody builds at any agent of this bus:
const everything = console_.events(BuildAdaptorStatusEvent);
const log = (async () => {
  for await (const { agent, values } of everything) {
    console.log(
      'bus:',
      values.addr._object_name,
      `at ${agent}: ${values.old_status} -> ${values.new_status}`,
    );
  }
})();

// And our own two builds, one of which fails on purpose:
const templates = { good: '<template></template>', bad: '<template>FAIL</template>' };
const outcomes = await Promise.all(
  Object.entries(templates).map(async ([name, descriptor]) => {
    try {
      const build = await factory.buildImage({ descriptor, target: 'mock' });
      for await (const change of build.changes()) {
        if (change.kind === 'percent') console.log(`${name}: ${change.percent} %`);
        else if (change.kind === 'status') console.log(`${name}: ${change.status}`);
        else console.log(`${name}: ${change.type}: ${change.info}`);
      }
      return `${name} made ${await build.finished()}`;
    } catch (error) {
      if (error instanceof BuildFailedError) return `${name} did not: ${error.message}`;
      // The order could not be placed, or the agent was restarted or is gone, and nobody can tell how the build ended.
      if (error instanceof QmfError) return `${name}: not known: ${error.message}`;
      throw error;
    }
  }),
);
for (const outcome of outcomes) console.log(outcome);

await console_.close();
await log;
