import { type RunningBroker, transportFor } from '@imagefactory/qmf';
import { inPluginScope } from '../builds/index.js';
import {
  type ClosableLogger,
  createScrubber,
  describeError,
  type LogLevel,
  winstonLogger,
} from '../log/index.js';
import {
  bundledPlugins,
  doctorReport,
  type DoctorReport,
  type RunningAgent,
  startAgent,
  type StopReport,
} from '../runtime/index.js';
import type { BrokerChoice } from './broker-choice.js';
import { tellConnectionNews } from './connection-news.js';
import { imageDirectory, logFile, temporaryDirectory } from './directories.js';
import { startEmbeddedBroker, stopEmbeddedBroker } from './embedded-broker.js';
import { exitCodes } from './exit-codes.js';
import type { DaemonFlags } from './program.js';
import { stopSignals } from './stop-signals.js';
import { packageVersion } from './version.js';

/** Runs the agent until a signal stops it; gives the exit code. */
export async function runDaemon(flags: DaemonFlags, choice: BrokerChoice): Promise<number> {
  const images = await imageDirectory(flags.imgdir);
  const log = await openLog(flags, choice, images);
  const signals = stopSignals((signal, code) => {
    process.stderr.write(`${signal} again: ending at once\n`);
    process.exit(code);
  });
  let crash: (error: unknown) => void = () => undefined;
  const crashed = new Promise<'crash'>(resolve => {
    crash = error => {
      if (inPluginScope()) return;
      log.error(`an internal error: ${describeError(error)}`);
      resolve('crash');
    };
  });
  // A rejection that nobody handles has not broken off anything in the middle; the agent goes on.
  const onRejection = (reason: unknown): void => {
    if (!inPluginScope()) log.error(`an internal error, unhandled: ${describeError(reason)}`);
  };
  process.on('uncaughtException', crash).on('unhandledRejection', onRejection);
  let broker: RunningBroker | undefined;
  try {
    if (choice.kind === 'embedded') broker = await startEmbeddedBroker(flags.qmfDomain, log);
    const address = choice.kind === 'embedded' ? (broker?.url ?? '') : choice.address;
    const plugins = bundledPlugins();
    const form = flags.bodyForm === 'auto' ? {} : { bodyForm: flags.bodyForm };
    const [health, agent] = await Promise.all([
      doctorReport(plugins),
      startAgent({
        bus: transportFor(address, { clientName: 'imagefactory', ...form }),
        plugins,
        imageDirectory: images,
        temporaryDirectory: await temporaryDirectory(flags.tmpdir),
        timeout: flags.timeout,
        maxConcurrent: flags.maxConcurrent,
        keepFinished: flags.keepFinished,
        interval: flags.interval,
        domain: flags.qmfDomain,
        strictSecurity: flags.strictSecurity === true,
        ...form,
        log,
      }),
    ]);
    const stopNews = tellConnectionNews(agent.connection, log);
    log.notice(startLine(agent, health, choice));
    const why = await Promise.race([signals.first, crashed]);
    stopNews();
    if (why !== 'crash') log.notice(`${why}: stopping`);
    log.notice(stopLine(await agent.stop()));
    return why === 'crash' ? exitCodes.failed : exitCodes.ok;
  } catch (error) {
    log.error(`the agent could not start: ${describeStartError(error)}`);
    log.debug(describeError(error));
    return exitCodes.failed;
  } finally {
    if (broker !== undefined) await stopEmbeddedBroker(broker);
    signals.dispose();
    await log.close();
  }
}

async function openLog(flags: DaemonFlags, choice: BrokerChoice, images: string): Promise<ClosableLogger> {
  const level: LogLevel = flags.debug === true ? 'debug' : flags.verbose === true ? 'info' : 'notice';
  const password = choice.kind === 'address' ? choice.address.password : undefined;
  const scrub = createScrubber(password === undefined ? [] : [password]);
  if (flags.foreground === true) return winstonLogger([{ to: process.stdout, level, style: 'full' }], scrub);
  const file = await logFile(images);
  const log = winstonLogger(
    [
      { to: file, level, style: 'full' },
      { to: process.stderr, level: 'notice', style: 'plain' },
    ],
    scrub,
  );
  log.notice(`logging to ${file}; --foreground shows the log here`);
  return log;
}

function startLine(agent: RunningAgent, health: DoctorReport, choice: BrokerChoice): string {
  const names = (ready: boolean): string =>
    [...new Set(health.plugins.filter(plugin => plugin.ready === ready).map(({ name }) => name))].join(', ');
  const lacking = names(false);
  return [
    `imagefactory ${packageVersion()}: agent ${agent.name} (start ${agent.epoch})`,
    `${choice.kind === 'embedded' ? 'embedded broker' : 'broker'} ${agent.broker}`,
    `images in ${agent.imageDirectory}`,
    `plugins ready: ${names(true)}${lacking === '' ? '' : `; not ready: ${lacking} (see imagefactory doctor)`}`,
  ].join('; ');
}

function stopLine({ aborted, abandoned, unsentEvents }: StopReport): string {
  const left = [
    ...(aborted.length === 0 ? [] : [`builds ended: ${aborted.join(', ')}`]),
    ...(abandoned.length === 0
      ? []
      : [`plugins that did not stop in time, in builds: ${abandoned.join(', ')}`]),
    ...(unsentEvents === 0 ? [] : [`events that did not reach the broker: ${unsentEvents}`]),
  ];
  return left.length === 0 ? 'stopped' : `stopped; ${left.join('; ')}`;
}

/** Errors of the file system say what they tried and where; ours say it in words. */
function describeStartError(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error instanceof Error ? error.message : String(error)}${cause}`;
}
