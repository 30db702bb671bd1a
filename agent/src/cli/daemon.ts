import { resolve } from 'node:path';
import { type BodyForm, BusConnection, type Transport, transportsFor } from '@imagefactory/qmf';
import { readTextFile, shownUrl } from '@imagefactory/text';
import { type AccessList, readAccessList } from '@imagefactory/factory/access';
import { describeError, errorLine, type Logger } from '@imagefactory/factory/platform';
import { sandboxSettings } from './sandbox-settings.js';
import { agentRetry, doctorReport, startAgent } from '../runtime/index.js';
import { type BrokerChoice, checkChoice } from './broker-choice.js';
import { tellConnectionNews } from './connection-news.js';
import { watchForCrash } from './crash-guard.js';
import { imageDirectory, temporaryDirectory } from './directories.js';
import { type EmbeddedBroker, startEmbeddedBroker, stopEmbeddedBroker } from './embedded-broker.js';
import { exitCodes } from './exit-codes.js';
import { describeStartError, startLine, stopCode, stopLine } from './messages.js';
import { openLog } from './open-log.js';
import { pluginsFor } from './plugin-choice.js';
import type { DaemonFlags } from './program.js';
import { stopSignals } from './stop-signals.js';
import { requireVouching } from './vouching.js';
import { warehouseOf } from './warehouse-choice.js';
import { UsageError } from './usage-error.js';

/** The agent has waited for its messages already. */
const drainLimit = { timeout: 1_000 };

/**
 * Runs the agent until a signal stops it; gives the exit code.
 *
 * @param remarks on the configuration, for the log
 * @throws QmfError `invalid_argument` or UsageError for what the command line names and that cannot be used
 */
export async function runDaemon(
  flags: DaemonFlags,
  choice: BrokerChoice,
  remarks: readonly string[] = [],
): Promise<number> {
  const plugins = await pluginsFor(flags);
  const warehouse = await warehouseOf(flags);
  const { warehouseSecret } = flags;
  const { secrets: brokerSecrets, users } = await checkChoice(choice);
  const secrets = [...brokerSecrets, ...(warehouseSecret === undefined ? [] : [warehouseSecret])];
  const access = flags.acl === undefined ? undefined : await accessListOf(flags.acl);
  const images = await imageDirectory(flags.imgdir);
  const log = await openLog(flags, secrets, images);
  for (const remark of remarks) log.warn(remark);
  const signals = stopSignals((signal, code) => {
    process.stderr.write(`${signal} again: ending at once\n`);
    process.exit(code);
  });
  let giveUp: (why: 'given up') => void = () => undefined;
  const givenUp = new Promise<'given up'>(resolve => {
    giveUp = resolve;
  });
  const end = Promise.race([signals.first, watchForCrash(log), givenUp]);
  let broker: EmbeddedBroker | undefined;
  let connection: BusConnection | undefined;
  try {
    if (choice.kind === 'embedded')
      broker = await startEmbeddedBroker({ domain: flags.qmfDomain, users }, log);
    const health = await Promise.race([doctorReport(plugins, sandboxSettings(flags)), end]);
    if (typeof health === 'string') return isFailure(health) ? exitCodes.failed : exitCodes.ok;
    const form = flags.bodyForm === 'auto' ? {} : { bodyForm: flags.bodyForm };
    const patience = flags.giveUpAfter === undefined ? {} : { giveUpAfter: flags.giveUpAfter * 1_000 };
    connection = new BusConnection(transports(choice, broker, form, log), {
      retry: { ...agentRetry, ...patience },
    });
    tellConnectionNews(connection, log);
    connection.onStatus(({ kind }) => {
      if (kind === 'failed') giveUp('given up');
    });
    if (access !== undefined && flags.aclUnverifiedUsers !== true)
      requireVouching(connection, log, () => giveUp('given up'));
    const agent = await startAgent({
      bus: connection,
      plugins,
      imageDirectory: images,
      temporaryDirectory: await temporaryDirectory(flags.tmpdir),
      timeout: flags.timeout,
      toolSilence: flags.toolSilence,
      maxConcurrent: flags.maxConcurrent,
      ...(flags.maxConcurrentAt === undefined ? {} : { maxConcurrentAt: flags.maxConcurrentAt }),
      useCache: flags.cache,
      cacheLimit: flags.cacheSize * 1024 * 1024,
      minFree: flags.minFree * 1024 * 1024,
      sandbox: sandboxSettings(flags),
      keepFinished: flags.keepFinished,
      settleTime: flags.settleTime,
      keepFailedImages: flags.keepFailedImages,
      keepRecords: flags.keepRecords,
      interval: flags.interval,
      domain: flags.qmfDomain,
      strictSecurity: flags.strictSecurity === true,
      ...(warehouse === undefined ? {} : { warehouse }),
      allowPrivateAddresses: flags.allowPrivateAddresses === true,
      schemaRevision: flags.qmfSchema,
      ...(access === undefined ? {} : { access }),
      acceptUnverifiedUsers: flags.aclUnverifiedUsers === true,
      ...(flags.providers === undefined ? {} : { providerDirectory: resolve(flags.providers) }),
      ...form,
      log,
    });
    log.notice(startLine(agent, health, choice));
    if (flags.warehouse !== undefined)
      log.notice(`images and their records are stored in the warehouse at ${shownUrl(flags.warehouse)} too`);
    if (flags.acl !== undefined) log.notice(`only what ${flags.acl} allows may be called`);
    const why = await end;
    if (!isFailure(why)) log.notice(`${why}: stopping`);
    const report = await agent.stop();
    // What becomes of the last messages is told before the last line.
    await connection.drain(drainLimit);
    log.notice(stopLine(report));
    return isFailure(why) ? exitCodes.failed : stopCode(report);
  } catch (error) {
    log.error(`the agent could not start: ${describeStartError(error)}`);
    log.debug(describeError(error));
    return exitCodes.failed;
  } finally {
    await connection?.drain(drainLimit);
    if (broker !== undefined) await stopEmbeddedBroker(broker);
    signals.dispose();
    await log.close();
  }
}

function isFailure(why: string): boolean {
  return why === 'crash' || why === 'given up';
}

/** @throws UsageError or QmfError `invalid_argument` that names what is wrong with the file */
async function accessListOf(path: string): Promise<AccessList> {
  const text = await readTextFile(path, { name: `--acl ${path}` });
  try {
    return readAccessList(text);
  } catch (error) {
    throw new UsageError(`--acl ${path}: ${errorLine(error)}`);
  }
}

function transports(
  choice: BrokerChoice,
  embedded: EmbeddedBroker | undefined,
  form: { readonly bodyForm?: BodyForm },
  log: Logger,
): readonly Transport[] {
  const common = { clientName: 'imagefactory', onWarning: (text: string) => log.warn(text), ...form };
  return choice.kind === 'embedded'
    ? transportsFor(embedded?.url ?? '', { ...common, ...embedded?.login })
    : transportsFor(choice.addresses, { ...choice.options, ...common });
}
