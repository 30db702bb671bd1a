import type { QmfError } from '../errors.js';
import { notifySafely } from './listeners.js';

/** Counts messages of peers that cannot be decoded, and tells those who listen of each. */
export class MalformedNews {
  count = 0;
  readonly #listeners = new Set<(error: QmfError) => void>();
  readonly tell = (error: QmfError): void => {
    this.count++;
    notifySafely(this.#listeners, error);
  };

  listen(listener: (error: QmfError) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
