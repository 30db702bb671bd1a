import { cpus, loadavg } from 'node:os';
import { fullSizes, type Line, quickSizes, runCase } from './cases/index.js';
import { withFleet } from './fleet.js';
import { bareLibrary, openGround, type Protocol } from './grounds.js';
import { type BenchOptions, parseOptions, usage } from './options.js';
import { formatTable } from './report.js';

/** What was measured through one broker in one protocol. */
interface Section {
  readonly broker: string;
  readonly protocol: Protocol;
  readonly bare: string;
  readonly lines: readonly Line[];
}

async function measure(which: string, options: BenchOptions): Promise<Section[]> {
  const sizes = { ...(options.quick ? quickSizes : fullSizes), rounds: options.rounds };
  const ground = await openGround(which);
  const sections: Section[] = [];
  try {
    for (const [protocol, address] of ground.addresses) {
      if (!options.protocols.includes(protocol)) continue;
      const lines = await withFleet(protocol, address, async fleet => {
        const measured: Line[] = [];
        for (const name of options.cases) measured.push(...(await runCase(name, fleet, sizes)));
        return measured;
      });
      sections.push({ broker: ground.name, protocol, bare: bareLibrary[protocol], lines });
    }
  } finally {
    await ground.stop();
  }
  return sections;
}

async function run(options: BenchOptions): Promise<void> {
  const sections: Section[] = [];
  for (const which of options.brokers) {
    const measured = await measure(which, options);
    sections.push(...measured);
    if (options.json) continue;
    for (const { broker, protocol, bare, lines } of measured) {
      console.log(`${broker}, AMQP ${protocol}\n${formatTable(lines, `bare ${bare}`)}\n`);
    }
  }
  const machine = {
    node: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    load: loadavg()[0] ?? 0,
    rounds: options.rounds,
  };
  if (options.json) {
    console.log(JSON.stringify({ ...machine, quick: options.quick, sections }, undefined, 2));
    return;
  }
  console.log(
    `Node.js ${machine.node}, ${machine.cores} × ${machine.cpu}, load ${machine.load.toFixed(1)}; ` +
      `medians over ${machine.rounds} interleaved rounds`,
  );
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await run(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
