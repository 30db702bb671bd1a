import type { PlainMap } from '@imagefactory/qmf';
import type { Build } from '@imagefactory/factory/jobs';

/** A build that has an adaptor on the bus. */
export interface KnownBuild {
  readonly build: Build;
  /** The adaptor with its address as events carry it, which changes when the agent is renamed. */
  readonly adaptor: { readonly addressMap: PlainMap };
}

const uuidAtEnd = /(?:^|[-:])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The builds that callers can ask for, by the uuids that they make images of. */
export class AdaptorIndex {
  readonly #known = new Map<string, KnownBuild>();

  add(known: KnownBuild): void {
    this.#known.set(known.build.id, known);
  }

  remove(id: string): void {
    this.#known.delete(id);
  }

  /** By the name of the adaptor, or by the uuid. */
  find(name: string): KnownBuild | undefined {
    return this.#known.get(uuidAtEnd.exec(name)?.[1] ?? '');
  }
}
