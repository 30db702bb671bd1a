import { v5 as uuidv5 } from 'uuid';
import type { BaseImage } from '@imagefactory/plugin-api';
import type { BaseOrder, ImageOrder, ImageStanding } from '../images/index.js';
import { errorLine } from '../platform/log/index.js';
import type { Change, ImageInput } from '../store/index.js';
import { templateId } from '../templates/index.js';
import { type Build, jobWord } from './build.js';
import { kindOfJob } from './record/job-form.js';
import { type BuildStatus, type FinishedImage, isWaiting } from './status.js';
import type { Workshop } from './workshop.js';

/** Milliseconds between two records of the activity alone. */
const pause = 5_000;
/** Milliseconds that the end of a job waits for a `.meta` file of a failure. */
const patience = 2_000;

/** Makes the name of a base image from that of the target image. */
const namespace = 'b62a1f36-3a0c-4a39-9d0d-1b8c6f3f3a55';

/** Uuid of the base image of a build; the same however often the build is begun. */
export function baseImageId(build: string): string {
  return uuidv5(build, namespace);
}

type Values = Extract<Change, { readonly change: 'image.update' }>['values'];

/**
 * The records of the images that a job makes: changes of their rows, which go into the steps of the job, and at the end their `.meta` files. A file
 * that cannot be written is logged and costs the job nothing.
 */
export class ImageRecords {
  readonly #build: Build;
  readonly #workshop: Pick<Workshop, 'jobs' | 'store' | 'log'>;
  #base: { readonly order: BaseOrder; readonly share: number } | undefined;
  #stopListening: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param hasBase whether an earlier run has recorded a base image */
  constructor(build: Build, workshop: Pick<Workshop, 'jobs' | 'store' | 'log'>, hasBase = false) {
    this.#build = build;
    this.#workshop = workshop;
    if (hasBase && build.order.push === undefined) this.beginBase(1);
  }

  /** Uuid of the base image, once there is one. */
  get baseImageId(): string | undefined {
    return this.#base?.order.identifier;
  }

  /** The row of an image that belongs to no image set. */
  row(): Change {
    const { callerImageUuid, descriptor, id, push, target } = this.#build.order;
    const image: ImageInput = {
      ...{ id, kind: kindOfJob(this.#build.order), status: 'pending', template: templateId(descriptor) },
      ...{ target, percent: 0, activity: this.#build.detail.activity, parameters: {}, properties: {} },
      ...(push === undefined ? {} : { provider: push.provider, parent: push.targetImage }),
      ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
    };
    return { change: 'image.put', image, job: id };
  }

  /** Records the activity from time to time, until {@link settle}. */
  begin(): void {
    this.#stopListening ??= this.#build.onChange(({ kind }) => {
      if (kind !== 'detail') return;
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#workshop.jobs.update(this.#build.id, {}, this.step());
      }, pause).unref();
    });
  }

  /** @param share part of the build's work that the base image stands for */
  beginBase(share: number): void {
    const { id, descriptor } = this.#build.order;
    const order: BaseOrder = { kind: 'base', identifier: baseImageId(id), template: descriptor };
    this.#base = { order, share };
    if (this.#stopListening !== undefined) void this.#workshop.jobs.update(id, {}, this.step());
  }

  /** The facts about the base image now that it is there. */
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

  /** The images as they stand, with the status of the job. */
  step(status: BuildStatus = this.#build.state.status): readonly Change[] {
    const { activity } = this.#build.detail;
    return this.#changes({ status: isWaiting(status) ? 'pending' : 'building', activity });
  }

  /** Records no more activity. */
  settle(): void {
    this.#stopListening?.();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Begun: a second beginning would listen again.
    this.#stopListening = () => undefined;
  }

  /** After the body of the image has been stored: writes the record of the base image. @returns the changes of the end */
  async completed(image: FinishedImage): Promise<readonly Change[]> {
    this.settle();
    const { account, format, identifierOnProvider, sha256, size } = image;
    if (this.#base !== undefined) {
      const standing = { status: 'COMPLETE', activity: 'base image complete', percent: 100 } as const;
      await this.#write(
        { ...this.#base.order, ...(await this.#created(this.#base.order.identifier)) },
        standing,
      );
    }
    const kind = kindOfJob(this.#build.order);
    const values = {
      ...{ format, size, sha256 },
      ...(identifierOnProvider === undefined ? {} : { identifierOnProvider }),
      ...(account === undefined ? {} : { account }),
      ...(this.#base?.order.os === undefined ? {} : { os: { ...this.#base.order.os } }),
    };
    return this.#changes({ status: 'complete', activity: `${kind} image complete`, percent: 100, ...values });
  }

  /**
   * Writes the records of images that have failed.
   *
   * @param error one line
   * @returns the changes of the end
   */
  async failed(activity: string, error: string): Promise<readonly Change[]> {
    this.settle();
    const standing = { status: 'FAILED', activity, error, percent: this.#build.percent } as const;
    await inTime(this.#writeFailed(standing));
    return this.#changes({ status: 'failed', activity, error });
  }

  /** When the image was ordered, by its row. */
  async #created(id: string): Promise<{ readonly created?: string }> {
    const created = await this.#workshop.jobs.createdAt(id);
    return created === undefined ? {} : { created };
  }

  async #writeFailed(standing: ImageStanding): Promise<void> {
    const base = this.#base;
    const { callerImageUuid, descriptor, id, push, target } = this.#build.order;
    if (base !== undefined) {
      const { identifier } = base.order;
      const percent = Math.min(100, Math.floor(standing.percent / base.share));
      await this.#write({ ...base.order, ...(await this.#created(identifier)) }, { ...standing, percent });
    }
    const common = { identifier: id, template: descriptor, ...(await this.#created(id)) };
    const order: ImageOrder =
      push === undefined
        ? {
            ...{ kind: 'target', ...common, target },
            ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
            ...(base === undefined ? {} : { baseImageId: base.order.identifier }),
          }
        : { kind: 'provider', ...common, provider: push.provider, targetImageId: push.targetImage };
    await this.#write(order, standing);
  }

  async #write(order: ImageOrder, standing: ImageStanding): Promise<void> {
    try {
      await this.#workshop.store.record(order, standing);
    } catch (error) {
      this.#workshop.log.warn(
        `the .meta file of image ${order.identifier} of ${jobWord(this.#build.order)} ${this.#build.id} could not be written: ${errorLine(error)}`,
      );
    }
  }

  #changes(values: Values): readonly Change[] {
    const { id, descriptor } = this.#build.order;
    const { percent } = this.#build;
    const base = this.#base;
    const target = {
      ...{ percent, ...values },
      ...(base === undefined ? {} : { parent: base.order.identifier }),
    };
    const own: Change = { change: 'image.update', id, values: target, job: id };
    if (base === undefined) return [own];
    const { status = 'building', activity = '', error } = values;
    const { format, identifier, os } = base.order;
    const image: ImageInput = {
      ...{ id: identifier, kind: 'base', status, activity, template: templateId(descriptor) },
      percent: status === 'complete' ? 100 : Math.min(100, Math.floor(percent / base.share)),
      ...{ parameters: {}, properties: {} },
      ...(error === undefined ? {} : { error }),
      ...(format === undefined ? {} : { format }),
      ...(os === undefined ? {} : { os: { ...os } }),
    };
    return [{ change: 'image.put', image, job: id }, own];
  }
}

/** Waits for work, and at most for {@link patience}. */
async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => (timer = setTimeout(resolve, patience)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}
