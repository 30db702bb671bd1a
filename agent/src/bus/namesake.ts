import type { AgentSession, Namesake } from '@imagefactory/qmf';
import { errorLine, type Logger } from '@imagefactory/factory/platform';
import type { Identity } from '@imagefactory/factory/platform';

/** Milliseconds between two lines about the same. */
const PAUSE = 60_000;

/**
 * What an agent does about another one of its name, which is most likely the original of a copied image directory: the one that was started
 * later takes a new instance, once in a run; the other one keeps its own.
 *
 * @param session the session, which is there when the first message comes
 */
export function namesakeHandler(
  identity: Identity,
  session: () => AgentSession,
  log: Logger,
  now: () => number = () => performance.now(),
): (other: Namesake) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  let isRenamed = false;
  const rename = async (): Promise<void> => {
    const { name: before } = session();
    const instance = await identity.renew().catch((error: unknown) => {
      log.error(`the new name could not be noted, and is for this run alone: ${errorLine(error)}`);
      return identity.instance;
    });
    await session().rename(instance);
    log.error(
      `another agent on the bus is called ${before}, as after its image directory was copied to this one; calls of the last moments may have reached ` +
        `both. This agent, which was started later, is called ${session().name} from now on; its builds go on, and are to be found there`,
    );
  };
  return ({ epoch, yields }) => {
    if (yields && !isRenamed) {
      isRenamed = true;
      void rename().catch((error: unknown) => log.error(`no new name could be taken: ${errorLine(error)}`));
      return;
    }
    if (now() - saidAt < PAUSE) return;
    saidAt = now();
    log.error(
      `another agent on the bus is called ${session().name} (its start number ${epoch}), and each call reaches both; if its image directory is a ` +
        "copy of this one, it takes a new name if it can; if this goes on, stop it, and remove the copy's agent.json",
    );
  };
}
