import { v5 as uuidv5 } from 'uuid';
import type { BaseImage } from '@imagefactory/plugin-api';
import type { BaseOrder, ImageOrder, ImageStanding } from '../images/index.js';
import { errorLine } from '../platform/log/index.js';
import type { Build } from './build.js';
import { type BuildStatus, isWaiting } from './status.js';
import type { Workshop } from './workshop.js';

/** Milliseconds between two saves that only say what is being done. */
const pause = 5_000;
/** Milliseconds that a build waits for a record to be saved: before its body is stored, and before others are told of its failure. */
const patience = 2_000;

/** Makes the name of a base image from that of the target image. */
const namespace = 'b62a1f36-3a0c-4a39-9d0d-1b8c6f3f3a55';

/** Uuid of the base image of a build; the same however often the build is begun. */
export function baseImageId(build: string): string {
  return uuidv5(build, namespace);
}

/**
 * Keeps the store's records of a build's images up to date, from the order to the end: what is said of the build is said of the image that
 * it makes. Changes of status are saved at once, what is being done from time to time. A record that cannot be saved costs the build nothing
 * but a line in the log.
 */
export class ImageRecords {
  readonly #build: Build;
  readonly #workshop: Pick<Workshop, 'store' | 'log'>;
  #base: { readonly order: BaseOrder; readonly share: number } | undefined;
  #stopListening: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> | undefined;
  #isDirty = false;
  #hasComplained = false;

  /** @param hasBase whether an earlier run of the agent has put a base image on record */
  constructor(build: Build, workshop: Pick<Workshop, 'store' | 'log'>, hasBase = false) {
    this.#build = build;
    this.#workshop = workshop;
    if (hasBase && build.order.push === undefined) this.beginBase(1);
  }

  /** Uuid of the base image, once there is one on record. */
  get baseImageId(): string | undefined {
    return this.#base?.order.identifier;
  }

  /** The image is ordered. Resolves when that is on record, or cannot be; without effect the second time. */
  async begin(): Promise<void> {
    if (this.#stopListening !== undefined) return;
    let known = imageStatus(this.#build.state.status);
    this.#stopListening = this.#build.onChange(({ kind }) => {
      if (kind === 'percent' || kind === 'place') return;
      const status = imageStatus(this.#build.state.status);
      if (status === known) this.#soon();
      else void this.#save();
      known = status;
    });
    await inTime(this.#save());
  }

  /** @param share part of the build's work that the base image stands for */
  beginBase(share: number): void {
    const { id, descriptor } = this.#build.order;
    this.#base = {
      order: { kind: 'base', identifier: baseImageId(id), template: descriptor },
      share,
    };
    if (this.#stopListening !== undefined) void this.#save();
  }

  /** What is known of the base image now that it is there. */
  describeBase({ format, os, packages }: BaseImage): void {
    if (this.#base === undefined) return;
    const order: BaseOrder = {
      ...this.#base.order,
      format,
      ...(os === undefined ? {} : { os }),
      ...(packages === undefined ? {} : { packages }),
    };
    this.#base = { ...this.#base, order };
  }

  /** Says nothing more of what is being done; resolves when nothing is being written, or that takes too long. */
  async settle(): Promise<void> {
    this.#stopListening?.();
    // What has begun stays so: a second beginning would listen again.
    this.#stopListening = () => undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#saving !== undefined) await inTime(this.#saving);
  }

  /** After the body of the target image has been stored: the base image counts as complete too. */
  async completed(): Promise<void> {
    await this.settle();
    if (this.#base === undefined) return;
    const { order } = this.#base;
    await this.#put(order, { status: 'COMPLETE', activity: 'base image complete', percent: 100 });
  }

  /** The next start of the agent goes on with the build: its images are recorded as they stand. */
  async postponed(): Promise<void> {
    await this.settle();
    await inTime(this.#save());
  }

  /** @param error one line */
  async failed(activity: string, error: string): Promise<void> {
    await this.settle();
    await inTime(this.#saveAll({ status: 'FAILED', activity, error }));
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, pause).unref();
  }

  /** One after the other, and of those that come meanwhile only the latest. */
  #save(): Promise<void> {
    this.#isDirty = true;
    this.#saving ??= this.#saveLatest();
    return this.#saving;
  }

  async #saveLatest(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const { detail, state } = this.#build;
      await this.#saveAll({ status: imageStatus(state.status), activity: detail.activity });
    }
    // Before anybody else can come: who comes after this begins anew.
    this.#saving = undefined;
  }

  async #saveAll(standing: Omit<ImageStanding, 'percent'>): Promise<void> {
    const { percent } = this.#build;
    if (this.#base !== undefined) {
      const { order, share } = this.#base;
      const ofBase = Math.min(100, Math.floor(percent / share));
      await this.#put(order, { ...standing, percent: ofBase });
    }
    await this.#put(this.#order(), { ...standing, percent });
  }

  async #put(order: ImageOrder, standing: ImageStanding): Promise<void> {
    const { store, log } = this.#workshop;
    try {
      await store.record(order, standing);
    } catch (error) {
      const text = `image ${order.identifier} could not be put on record as ${standing.status}: ${errorLine(error)}`;
      if (this.#hasComplained) log.debug(text);
      else log.warn(text);
      this.#hasComplained = true;
    }
  }

  #order(): ImageOrder {
    const { callerImageUuid, descriptor, id, push, target } = this.#build.order;
    const common = { identifier: id, template: descriptor };
    if (push !== undefined) {
      return { kind: 'provider', ...common, provider: push.provider, targetImageId: push.targetImage };
    }
    const base = this.#base?.order.identifier;
    return {
      kind: 'target',
      ...common,
      target,
      ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
      ...(base === undefined ? {} : { baseImageId: base }),
    };
  }
}

/** Waits for work, and at most for {@link patience}. */
async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => (timer = setTimeout(resolve, patience)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function imageStatus(status: BuildStatus): 'PENDING' | 'BUILDING' {
  return isWaiting(status) ? 'PENDING' : 'BUILDING';
}
