import { failureType } from '@imagefactory/plugin-api';
import { AgentException, exceptionCodes, type ManagedObject, type MethodCall } from '@imagefactory/qmf';
import {
  BuildAdaptorOnBus,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
} from '@imagefactory/schema';
import { shownCaller } from './shown-caller.js';
import {
  type Build,
  type BuildState,
  type BuildStatus,
  isEnd,
  jobWord,
  type Recorded,
} from '@imagefactory/factory/jobs';
import type { EventSender } from './event-sender.js';
import type { FactoryParts } from './parts.js';
import { isNameOf2012, type StatusWords, wordsFor } from './status-words.js';

export type Adaptor = ManagedObject<typeof BuildAdaptorOnBus>;

/** What an adaptor shows beside its build. */
export interface AdaptorView {
  /** The object's name; by its beginning it is one of 2012 or of 2011. */
  readonly name: string;
  /** Uuids of the image and of the build that the target image belongs to. */
  readonly image: string;
  readonly build: string;
}

/** Milliseconds that an abort may take before it is answered; consoles wait 10 s. */
const abortPatience = 5_000;

/**
 * Puts a build on the bus as a BuildAdaptor and keeps it up to date: first the properties, then the events about them.
 *
 * @param onEnd called when everything about the build is on its way
 */
export function publishAdaptor(
  parts: FactoryParts,
  build: Build,
  view: AdaptorView,
  onEnd: (adaptor: Adaptor, told: Promise<void>) => void,
): Adaptor {
  const { session, events } = parts;
  const { descriptor, target, epoch } = build.order;
  const { state } = build;
  const words = statusWords(view, build);
  const adaptor = session.publish(BuildAdaptorOnBus, {
    name: view.name,
    shownAs: parts.shown.adaptor,
    // The addresses of 2012 have no epoch.
    persistent: isNameOf2012(view.name),
    // The address stays what the caller was given, however often the agent is restarted meanwhile.
    epoch,
    values: {
      image: view.image,
      build: view.build,
      image_id: build.id,
      descriptor,
      target,
      status: words.of(state.status),
      percent_complete: build.percent,
      finished_image: state.status === 'COMPLETED' ? state.image.path : '',
      ...failureOf(state),
    },
    methods: {
      abort: async (_inputs, call) => {
        await abort(build, call, parts);
        return {};
      },
    },
  });
  parts.adaptors.add({ build, adaptor });
  const stopListening = build.onChange(change => {
    if (change.kind === 'percent') {
      adaptor.update({ percent_complete: change.percent });
      raisePercentage(adaptor, change, events);
    }
    if (change.kind !== 'status') return;
    const isOver = isEnd(change.state.status);
    const told = tellStatus(adaptor, change, words, events);
    if (!isOver) return;
    stopListening();
    onEnd(adaptor, told);
  });
  return adaptor;
}

/** Answers once the build has ended, or is about to. */
async function abort(build: Build, call: MethodCall, { engine }: FactoryParts): Promise<void> {
  const { status } = build.state;
  if (isEnd(status)) {
    throw new AgentException(
      `the ${jobWord(build.order)} is ${status} already; there is nothing to abort`,
      exceptionCodes.exception,
    );
  }
  const aborting = engine.abort(
    build.id,
    call.caller.userId === undefined ? 'a console' : shownCaller(call.caller),
  );
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>(resolve => {
    timer = setTimeout(resolve, abortPatience);
  });
  await Promise.race([aborting, patience]);
  clearTimeout(timer);
}

function raisePercentage(
  adaptor: Adaptor,
  { percent, recorded }: { readonly percent: number; readonly recorded: Recorded },
  events: EventSender,
): void {
  void events.raise(
    BuildAdaptorPercentCompleteEvent,
    { addr: adaptor.addressMap, event: 'PERCENTAGE', percent_complete: percent },
    // The next one says more; statuses and failures are never dropped for it.
    { importance: 'progress', recorded },
  );
}

/** Why a build has failed, for consoles that ask; nothing of one that has not. */
function failureOf(state: BuildState): { readonly failure_type?: string; readonly failure_info?: string } {
  if (state.status !== 'FAILED') return {};
  return { failure_type: failureType(state.failure.code), failure_info: state.failure.info };
}

/** Resolves when the broker has the news. */
function tellStatus(
  adaptor: Adaptor,
  { from, state, recorded }: StatusNews,
  words: StatusWords,
  events: EventSender,
): Promise<void> {
  const status = words.of(state.status);
  if (state.status === 'COMPLETED') {
    adaptor.update({ status, percent_complete: 100, finished_image: state.image.path });
    // The status comes last: a console that waits for it has then heard everything.
    raisePercentage(adaptor, { percent: 100, recorded }, events);
  } else adaptor.update({ status, ...failureOf(state) });
  return raiseStatus(adaptor, { from, state, recorded }, words, events);
}

interface StatusNews {
  readonly from: BuildStatus;
  readonly state: BuildState;
  readonly recorded: Recorded;
}

/** Says by events where a build stands; also again, for those who may not have heard it. */
export async function raiseStatus(
  adaptor: Adaptor,
  { from, state, recorded }: StatusNews,
  words: StatusWords,
  events: EventSender,
): Promise<void> {
  const addr = adaptor.addressMap;
  const [before, status] = [words.of(from), words.of(state.status)];
  const failed =
    state.status === 'FAILED'
      ? events.raise(
          BuildFailedEvent,
          { addr, event: 'FAILURE', type: failureType(state.failure.code), info: state.failure.info },
          { recorded },
        )
      : undefined;
  const told =
    status === before
      ? undefined
      : events.raise(
          BuildAdaptorStatusEvent,
          { addr, event: 'STATUS', new_status: status, old_status: before },
          { recorded },
        );
  await Promise.all([failed, told]);
}

/** The words of an adaptor's revision. */
export function statusWords({ name }: AdaptorView, { order }: Build): StatusWords {
  return wordsFor(name, jobWord(order));
}
