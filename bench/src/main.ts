import { cpus, loadavg } from 'node:os';
import { fullSizes, type Line, quickSizes, runCase } from './cases.js';
import { withFleet } from './fleet.js';
import { type BenchOptions, parseOptions, usage } from './options.js';
import { formatTable } from './report.js';

async function run(options: BenchOptions): Promise<void> {
  const sizes = { ...(options.quick ? quickSizes : fullSizes), rounds: options.rounds };
  const lines = await withFleet(options.broker, async fleet => {
    const measured: Line[] = [];
    for (const name of options.cases) measured.push(...(await runCase(name, fleet, sizes)));
    return measured;
  });
  const machine = {
    node: process.version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    load: loadavg()[0] ?? 0,
    broker: options.broker ?? 'embedded',
    rounds: options.rounds,
  };
  if (options.json) {
    console.log(JSON.stringify({ ...machine, quick: options.quick, lines }, undefined, 2));
    return;
  }
  console.log(formatTable(lines));
  console.log(
    `\nNode.js ${machine.node}, ${machine.cores} × ${machine.cpu}, load ${machine.load.toFixed(1)}, ` +
      `broker ${machine.broker}; medians over ${machine.rounds} interleaved rounds`,
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
