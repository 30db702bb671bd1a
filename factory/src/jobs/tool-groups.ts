/** Milliseconds within which a group is gone after SIGKILL, unless it hangs in the kernel. */
const patience = 5_000;

/** The process groups of one build's tools. */
export class ToolGroups {
  readonly #groups = new Map<number, { readonly gone: Promise<void> }>();

  /** @returns to be called when the group is gone */
  add(pid: number): () => void {
    let tell = (): void => undefined;
    const gone = new Promise<void>(resolve => (tell = resolve));
    this.#groups.set(pid, { gone });
    return () => {
      this.#groups.delete(pid);
      tell();
    };
  }

  /** Kills what is left and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.#groups.size === 0) return;
    const gone = [...this.#groups.values()].map(group => group.gone);
    for (const pid of this.#groups.keys()) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // Gone by itself; whoever waits for it will say so.
      }
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>(resolve => (timer = setTimeout(resolve, patience)));
    await Promise.race([Promise.all(gone), late]);
    clearTimeout(timer);
  }
}
