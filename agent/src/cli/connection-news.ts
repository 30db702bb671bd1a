import { type BusConnection, type ConnectionStatus, type QmfError, watchHeldUp } from '@imagefactory/qmf';
import type { Logger } from '@imagefactory/factory/platform';

/** What the log has been told last: `away` before the first connection, `lost` after one. */
type Told = 'nothing' | 'open' | 'away' | 'lost';

/**
 * Tells the log how the connection fares: once when the broker can't be reached or goes away, once more when it is there and refuses
 * us, and once when all is well; never about each of the attempts in between. Also when the broker is there and takes nothing, and when it
 * does again. The result ends that.
 *
 * @param patience milliseconds in which a broker is to take something
 */
export function tellConnectionNews(connection: BusConnection, log: Logger, patience = 5_000): () => void {
  const unwatch = watchHeldUp(connection, isHeldUp => tellHeldUp(isHeldUp, connection, log), { patience });
  const unlisten = tellStatus(connection, log);
  return () => {
    unwatch();
    unlisten();
  };
}

function tellHeldUp(isHeldUp: boolean, { broker, state, statistics }: BusConnection, log: Logger): void {
  if (isHeldUp) {
    const { waiting, underWay } = statistics;
    log.warn(
      `${broker} is there and takes no messages (${waiting + underWay} wait); brokers hold publishers back when memory or disk run short, or a queue is full`,
    );
  } else if (state === 'open') log.notice(`${broker} takes messages again`);
}

function withRemedy({ message, remedy }: QmfError): string {
  return remedy === undefined ? message : `${message}; ${remedy}`;
}

function tellStatus(connection: BusConnection, log: Logger): () => void {
  let told: Told = 'nothing';
  let toldRefusal = false;
  return connection.onStatus((status: ConnectionStatus) => {
    switch (status.kind) {
      case 'open': {
        const { product, version } = status.peer;
        const peer = [product, version].filter(part => part !== undefined).join(' ');
        log.notice(
          `${told === 'lost' ? 'connected again' : 'connected'} to ${status.broker}${peer === '' ? '' : ` (${peer})`}`,
        );
        told = 'open';
        toldRefusal = false;
        return;
      }
      case 'waiting': {
        const { message, retryable } = status.reason;
        if (!retryable && !toldRefusal) {
          log.warn(`${withRemedy(status.reason)}; trying again, no restart is needed`);
          toldRefusal = true;
        } else if (told === 'away' || told === 'lost') {
          log.debug(`attempt ${status.attempt - 1} failed: ${message}`);
        } else log.warn(`${withRemedy(status.reason)}; trying again until the broker answers`);
        told = told === 'open' || told === 'lost' ? 'lost' : 'away';
        return;
      }
      case 'failed':
        log.error(`given up on ${status.broker}: ${withRemedy(status.reason)}`);
        return;
      case 'dialling':
        // After a break, the next broker of a list is dialled without any waiting.
        if (told !== 'open' || status.reason === undefined) return;
        log.warn(`${withRemedy(status.reason)}; trying ${status.broker}`);
        told = 'lost';
        return;
      case 'draining':
      case 'closed':
        return;
    }
  });
}
