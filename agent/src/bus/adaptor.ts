import type { AgentSession, ManagedObject } from '@imagefactory/qmf';
import {
  ADAPTOR_PREFIX,
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
} from '@imagefactory/schema';
import { failureType } from '@imagefactory/plugin-api';
import { type Build, type BuildChange, type BuildState, isEnd } from '../builds/index.js';
import type { EventSender } from './event-sender.js';

export type Adaptor = ManagedObject<typeof BuildAdaptor>;

/**
 * Puts a build on the bus as a BuildAdaptor and keeps it up to date: first the properties, then the events that tell of them.
 *
 * @param onEnd called when everything about the build is on its way
 */
export function publishAdaptor(
  session: AgentSession,
  build: Build,
  events: EventSender,
  onEnd: (adaptor: Adaptor, told: Promise<void>) => void,
): Adaptor {
  const { descriptor, target, epoch } = build.order;
  const { state } = build;
  const adaptor = session.publish(BuildAdaptor, {
    name: `${ADAPTOR_PREFIX}${build.id}`,
    values: {
      descriptor,
      target,
      status: state.status,
      percent_complete: build.percent,
      finished_image: state.status === 'COMPLETED' ? state.image.path : '',
    },
    methods: {},
    // The address stays what the caller was given, however often the agent is restarted meanwhile.
    epoch,
  });
  const stopListening = build.onChange(change => {
    if (change.kind === 'percent') tellPercent(adaptor, change.percent, events);
    if (change.kind !== 'status') return;
    const told = tellStatus(adaptor, change, events);
    if (isEnd(change.state.status)) {
      stopListening();
      onEnd(adaptor, told);
    }
  });
  return adaptor;
}

function tellPercent(adaptor: Adaptor, percent: number, events: EventSender): void {
  adaptor.update({ percent_complete: percent });
  raisePercentage(adaptor, percent, events);
}

function raisePercentage(adaptor: Adaptor, percent: number, events: EventSender): void {
  void events.raise(
    BuildAdaptorPercentCompleteEvent,
    { addr: adaptor.addressMap, event: 'PERCENTAGE', percent_complete: percent },
    // The next one says more; statuses and failures are never dropped for it.
    { importance: 'progress' },
  );
}

/** Resolves when the broker has the news. */
function tellStatus(
  adaptor: Adaptor,
  { from, state }: Extract<BuildChange, { kind: 'status' }>,
  events: EventSender,
): Promise<void> {
  if (state.status === 'COMPLETED') {
    adaptor.update({ status: state.status, percent_complete: 100, finished_image: state.image.path });
    // The status comes last: a console that waits for it has then heard everything.
    raisePercentage(adaptor, 100, events);
  } else adaptor.update({ status: state.status });
  return raiseStatus(adaptor, { from, state }, events);
}

/** Says by events where a build stands; also again, for those who may not have heard it. */
export async function raiseStatus(
  adaptor: Adaptor,
  { from, state }: { readonly from: BuildState['status']; readonly state: BuildState },
  events: EventSender,
): Promise<void> {
  const addr = adaptor.addressMap;
  const failed =
    state.status === 'FAILED'
      ? events.raise(BuildFailedEvent, {
          addr,
          event: 'FAILURE',
          type: failureType(state.failure.code),
          info: state.failure.info,
        })
      : undefined;
  const told = events.raise(BuildAdaptorStatusEvent, {
    addr,
    event: 'STATUS',
    new_status: state.status,
    old_status: from,
  });
  await Promise.all([failed, told]);
}
