import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BuildError } from '@imagefactory/plugin-api';
import type { FetchContext, RemoteImage } from '../jobs/index.js';
import {
  type DirectoryStore,
  ImageError,
  type ImageSets,
  type StoredImage,
  TargetImage,
} from '../images/index.js';
import { readElsewhere } from '../templates/index.js';
import { type Attributes, type Repository, textOf, WarehouseError } from '../warehouse/index.js';

export interface RemoteImagesParts {
  readonly store: DirectoryStore;
  readonly warehouse: Repository;
  readonly catalog: Pick<ImageSets, 'adopt'>;
}

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Target images that are in the warehouse and not here: those of other agents, and those that were deleted here. All methods reject with a
 * BuildError `warehouse_unavailable` when the warehouse cannot be asked.
 */
export class RemoteImages {
  readonly #parts: RemoteImagesParts;

  constructor(parts: RemoteImagesParts) {
    this.#parts = parts;
  }

  /** Takes into the catalogue what the warehouse knows of a target image and of the build that it belongs to, if it knows it. */
  adoptTargetImage(id: string, signal: AbortSignal): Promise<void> {
    return asking(async () => {
      if (!uuidForm.test(id)) return;
      const { warehouse } = this.#parts;
      const build = (await warehouse.get('target_image', id, { signal }))?.attributes.build;
      const image = build === undefined ? undefined : await this.#imageOfBuild(build, signal);
      if (build !== undefined && image !== undefined) await this.#adopt(image, build, signal);
    });
  }

  /** The same for a build; for the one of the image that was not pushed yet when none is named. */
  adoptBuild(image: string, build: string, signal: AbortSignal): Promise<void> {
    return asking(async () => {
      if (!uuidForm.test(image) || (build !== '' && !uuidForm.test(build))) return;
      const known = await this.#parts.warehouse.get('image', image, { signal });
      const wanted = build === '' ? known?.attributes.latest_unpushed : build;
      if (wanted === undefined || (await this.#imageOfBuild(wanted, signal)) !== image) return;
      await this.#adopt(image, wanted, signal);
    });
  }

  /** A target image that the warehouse has, ready to be fetched. */
  find(id: string, signal: AbortSignal): Promise<RemoteImage | undefined> {
    return asking(async () => {
      const known = await this.#parts.warehouse.get('target_image', id, { signal });
      if (known === undefined) return undefined;
      const template = await this.#template(known.attributes.template, signal);
      return {
        identifier: id,
        template,
        fetch: context => asking(() => this.#fetch(id, template, known.attributes, context)),
      };
    });
  }

  async #fetch(
    identifier: string,
    template: string,
    { target = '', icicle: icicleId }: Attributes<'target_image'>,
    { scratch, signal, progress }: FetchContext,
  ): Promise<StoredImage> {
    const { store, warehouse } = this.#parts;
    const icicle = await this.#text('icicle', icicleId, signal);
    const body = await warehouse.body('target_image', identifier, { signal });
    const path = join(scratch, 'fetched');
    let bytes = 0;
    const counted = async function* (parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const part of parts) {
        const before = Math.floor(bytes / reportEach);
        bytes += part.length;
        if (Math.floor(bytes / reportEach) > before)
          progress.update(0, `${Math.floor(bytes / 1024 / 1024)} MiB`);
        yield part;
      }
    };
    if (body !== undefined) {
      let broken: Error | undefined;
      body.once('error', error => {
        broken = error;
      });
      await pipeline(body, counted, createWriteStream(path), { signal }).catch((error: unknown) => {
        if (broken === undefined || signal.aborted) throw error;
        const message = `the warehouse broke off after ${bytes} bytes of target image ${identifier}; push again`;
        throw new BuildError('warehouse_unavailable', message, { cause: error });
      });
    }
    if (bytes === 0) {
      throw new BuildError(
        'warehouse_unavailable',
        `target image ${identifier} has no body in the warehouse, as those have none that were imported; build it again`,
      );
    }
    const image = new TargetImage({
      identifier,
      target,
      ...(template === '' ? {} : { template }),
      ...(icicle === undefined ? {} : { icicle }),
      status: 'COMPLETE',
      percentComplete: 100,
      statusDetail: { activity: 'fetched from the warehouse' },
    });
    await store.images.addImage(image, { body: { kind: 'move', path, signal } }).catch((error: unknown) => {
      // Another push may have fetched it meanwhile.
      if (!(error instanceof ImageError && error.code === 'exists')) throw error;
    });
    const stored = await store.get(identifier);
    if (stored === undefined)
      throw new BuildError('internal', `target image ${identifier} was deleted meanwhile`);
    return stored;
  }

  async #imageOfBuild(build: string, signal: AbortSignal): Promise<string | undefined> {
    const image = (await this.#parts.warehouse.get('build', build, { signal }))?.attributes.image;
    return image !== undefined && uuidForm.test(image) ? image : undefined;
  }

  async #adopt(image: string, build: string, signal: AbortSignal): Promise<void> {
    const { warehouse, catalog } = this.#parts;
    const targets = await warehouse.find('target_image', { build }, { signal });
    const [about, known] = [
      await warehouse.get('image', image, { signal }),
      await warehouse.get('build', build, { signal }),
    ];
    const { latest_build: latestBuild, latest_unpushed: latestUnpushed } = about?.attributes ?? {};
    const parent = known?.attributes.parent;
    await catalog.adopt(
      { image, build },
      {
        description: (await this.#text('image', image, signal)) ?? '<image/>',
        ...(latestBuild === undefined ? {} : { latestBuild }),
        ...(latestUnpushed === undefined ? {} : { latestUnpushed }),
        ...(parent === undefined ? {} : { parent }),
        targetImages: targets.flatMap(({ id, attributes: { target, template } }) =>
          target === undefined || !uuidForm.test(id)
            ? []
            : [{ id, target, ...(template === undefined ? {} : { template }) }],
        ),
      },
    );
  }

  /** A template as others may see it; one that cannot be read may have passwords anywhere, so nothing is shown of it. */
  async #template(id: string | undefined, signal: AbortSignal): Promise<string> {
    const text = (await this.#text('template', id, signal)) ?? '';
    const reading = await readElsewhere(text, { form: 'build', signal });
    return reading.valid ? reading.shown : '';
  }

  async #text(
    kind: 'template' | 'icicle' | 'image',
    id: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const body = id === undefined ? undefined : await this.#parts.warehouse.body(kind, id, { signal });
    return body === undefined ? undefined : await textOf(body);
  }
}

/** Bytes between two reports on what was fetched. */
const reportEach = 10 * 1024 * 1024;

async function asking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WarehouseError || (error instanceof Error && error.name === 'TimeoutError')) {
      const why = error instanceof WarehouseError ? error.message : 'the warehouse did not answer in time';
      throw new BuildError('warehouse_unavailable', `${why}; try again later`, { cause: error });
    }
    throw error;
  }
}
