import type { Build, JobWork } from './build.js';
import type { Release } from './resources/slots.js';
import { spaceNeeds, type Workshop } from './workshop.js';

/** What waiting for a turn needs of its build. */
export interface AdmissionOptions {
  readonly build: Build;
  readonly work: JobWork;
  readonly workshop: Workshop;
  readonly signal: AbortSignal;
  /** Told what is given back at the end of the build, as soon as it is held. */
  readonly onHeld: (release: Release) => void;
  /** Told what is being done, where that is no waiting. */
  readonly onPhase: (phase: string) => void;
  /** Told that the build has to wait, and what for. */
  readonly onWait: (reason: string) => void;
}

/** A slot, and then the space on disks: at once, or after waiting. Rejects when the signal fires first. */
export async function admit(options: AdmissionOptions): Promise<void> {
  const { build, onHeld, onPhase, onWait, signal, work, workshop } = options;
  const { queues, space } = workshop;
  const queue = work.kind === 'push' ? work.queue : work.plan.queue;
  signal.throwIfAborted();
  const slots = queues.of(queue);
  let slot = slots.tryTake();
  if (slot === undefined) {
    onWait('waiting for a free slot');
    slot = await slots.take(signal, position => moveTo({ queue, position }, build, workshop));
    build.waitAt(undefined);
  }
  onHeld(slot);
  const needs = spaceNeeds(workshop, work);
  if (needs.length === 0) return;
  onPhase('reserving space on the disk');
  onHeld(
    await space.reserve(needs, signal, () => onWait('waiting for space on the disk that other builds use')),
  );
}

function moveTo(
  place: { readonly queue: string; readonly position: number },
  build: Build,
  { log }: Workshop,
): void {
  const { queue, position } = place;
  if (build.place === undefined) {
    log.info(`${build.title} waits in the queue ${queue} at position ${position}`);
    build.log.info(`position ${position} in the queue ${queue}`);
  }
  build.waitAt(place);
}
