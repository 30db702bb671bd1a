import type { AgentSession, ManagedObject } from '@imagefactory/qmf';
import {
  ADAPTOR_PREFIX,
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
} from '@imagefactory/schema';
import { type Build, type BuildChange, isEnd } from '../builds/index.js';
import type { EventSender } from './event-sender.js';

export type Adaptor = ManagedObject<typeof BuildAdaptor>;

/**
 * Puts a build on the bus as a BuildAdaptor and keeps it up to date: first the properties, then the events that tell of them.
 *
 * @param onEnd called when everything about the build has been told
 */
export function publishAdaptor(
  session: AgentSession,
  build: Build,
  events: EventSender,
  onEnd: (adaptor: Adaptor) => void,
): Adaptor {
  const { descriptor, plan } = build.order;
  const adaptor = session.publish(BuildAdaptor, {
    name: `${ADAPTOR_PREFIX}${build.id}`,
    values: {
      descriptor,
      target: plan.target,
      status: build.state.status,
      percent_complete: build.percent,
      finished_image: '',
    },
    methods: {},
  });
  const stopListening = build.onChange(change => {
    tell(adaptor, change, events);
    if (change.kind === 'status' && isEnd(change.state.status)) {
      stopListening();
      onEnd(adaptor);
    }
  });
  return adaptor;
}

function tell(adaptor: Adaptor, change: BuildChange, events: EventSender): void {
  const addr = adaptor.addressMap;
  const percentage = (percent: number): void =>
    events.raise(
      BuildAdaptorPercentCompleteEvent,
      { addr, event: 'PERCENTAGE', percent_complete: percent },
      // The next one says more; statuses and failures are never dropped for it.
      { importance: 'progress' },
    );
  if (change.kind === 'percent') {
    adaptor.update({ percent_complete: change.percent });
    percentage(change.percent);
    return;
  }
  const { from, state } = change;
  switch (state.status) {
    case 'COMPLETED':
      adaptor.update({ status: state.status, percent_complete: 100, finished_image: state.image.path });
      // The status comes last: a console that waits for it has then heard everything.
      percentage(100);
      break;
    case 'FAILED': {
      const { code, info } = state.failure;
      adaptor.update({ status: state.status });
      events.raise(BuildFailedEvent, { addr, event: 'FAILURE', type: code, info });
      break;
    }
    default:
      adaptor.update({ status: state.status });
  }
  events.raise(BuildAdaptorStatusEvent, {
    addr,
    event: 'STATUS',
    new_status: state.status,
    old_status: from,
  });
}
