/** The parts of something that was opened, closed the latest first. */
export class CloseStack {
  readonly #steps: (() => void | Promise<void>)[] = [];

  push(close: () => void | Promise<void>): void {
    this.#steps.push(close);
  }

  /** Closes everything; an error of one step goes to `onError` and does not keep the others from being closed. */
  async close(onError: (error: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        onError(error);
      }
    }
  }
}
