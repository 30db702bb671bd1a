import { type ConsoleAgent, QmfError } from '@imagefactory/qmf';
import { heldUp } from '../bus.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { bestMatches, collectAgents, matchRank } from '../lookup/agents.js';
import { utcTimeOfDay } from '../../terminal/time.js';

/** Columns of a terminal that shows the name of one of our agents beside all else. */
const WIDE = 90;

/**
 * Lists the agents that answer.
 *
 * @param wait milliseconds that they have for it
 * @throws QmfError `connection_lost` when the bus went away before one did
 */
export async function agentsCommand(context: Context, wait: number): Promise<number> {
  const { out, settings } = context;
  const text = settings.agent;
  const { connection, openedAt } = await context
    .bus()
    .then(bus => ({ connection: bus.console.connection, openedAt: bus.openedAt }));
  let why = '';
  const unlisten = connection.onStatus(status => {
    if ('reason' in status) why = `: ${status.reason.message}`;
  });
  const collected = await collectAgents(context, {
    atLeast: wait,
    patient: false,
    accept: agent => text === undefined || matchRank(agent.name, text) !== undefined,
  }).finally(unlisten);
  if (collected.length === 0 && connection.state !== 'open')
    throw new QmfError('connection_lost', `no agent answered before the bus went away${why}`);
  const agents = text === undefined ? collected : bestMatches(collected, text);
  const { session } = (await context.bus()).console;
  // By our own clock: the agent's may be wrong.
  const seenAt = (agent: ConsoleAgent): number => context.io.now() - (session.silenceOf(agent) ?? 0);
  if (out.json) {
    for (const agent of agents) out.object(agentToJson(agent, seenAt(agent)));
  } else if (agents.length > 0) {
    const isWide = out.width === undefined || out.width >= WIDE;
    out.table(
      [
        { title: 'NAME', style: 'cyan', keep: true },
        { title: 'EPOCH', align: 'right' },
        ...(isWide ? [{ title: 'INTERVAL', align: 'right' } as const] : []),
        { title: 'LAST SEEN' },
      ],
      agents.map(agent => [
        agent.name,
        String(agent.info.epoch),
        ...(isWide ? [`${agent.info.heartbeatInterval} s`] : []),
        utcTimeOfDay(seenAt(agent)),
      ]),
    );
  }
  const listened = ((performance.now() - openedAt) / 1_000).toFixed(1);
  const called = text === undefined ? '' : ` called '${text}'`;
  out.note(
    connection.state === 'open'
      ? `${count(agents.length, 'agent')}${called} at ${connection.broker}, having listened for ${listened} s`
      : `${count(agents.length, 'agent')}${called} when the bus went away`,
  );
  const inTheWay = agents.length === 0 ? await heldUp(connection) : undefined;
  if (inTheWay !== undefined) out.note(inTheWay);
  return agents.length === 0 ? exitCodes.notFound : exitCodes.ok;
}

function agentToJson({ name, info }: ConsoleAgent, seenAt: number): Readonly<Record<string, unknown>> {
  return {
    name,
    vendor: info.vendor,
    product: info.product,
    instance: info.instance,
    epoch: info.epoch,
    heartbeat_interval: info.heartbeatInterval,
    last_seen: new Date(seenAt).toISOString(),
  };
}

export function count(number: number, what: string): string {
  return `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
}
