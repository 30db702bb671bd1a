/** One login by one SASL mechanism, as the client sees it (RFC 4422): a first word, then an answer to each challenge. */
export interface SaslExchange {
  /** Name of the mechanism, as brokers write it. */
  readonly mechanism: string;
  initial(): Buffer;
  /** @throws Error when the challenge is not one that the mechanism allows; the login ends then */
  answer(challenge: Buffer): Promise<Buffer>;
  /**
   * Called when the broker says that we are in.
   *
   * @param data what it says beside that
   * @throws Error when the mechanism has the broker prove itself, and it did not
   */
  conclude(data: Buffer | undefined): void;
}

/** A mechanism that says all it has to say in its first word. */
export function singleStep(mechanism: string, initial: Buffer): SaslExchange {
  return {
    mechanism,
    initial: () => initial,
    answer: () => Promise.reject(new Error(`the broker asked back, which ${mechanism} does not provide for`)),
    conclude: () => undefined,
  };
}

/** RFC 4505: who one says to be is for the broker's log only. */
export function anonymous(trace: string): SaslExchange {
  return singleStep('ANONYMOUS', Buffer.from(trace));
}

/** RFC 4616. */
export function plain(user: string, password: string): SaslExchange {
  return singleStep('PLAIN', Buffer.from(`\0${user}\0${password}`));
}

/** RFC 4422, appendix A: who one is follows from the client certificate. */
export function external(): SaslExchange {
  return singleStep('EXTERNAL', Buffer.alloc(0));
}
