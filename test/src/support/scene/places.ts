/** Addresses of a network namespace that stands for a machine, and of a second one that stands for the networks around it. */
export const scene = {
  /** The machine's own, on its interface to the others and on its loopback. */
  own: '11.77.0.1',
  ownOnLoopback: '11.77.1.1',
  resolver: '127.0.0.53',
  /** A server of the internet, and one of a private network behind the machine. */
  public: '11.77.0.2',
  private: '10.77.0.2',
  port: 8080,
} as const;

/** What servers of the scene answer, by their kind. */
export const answers = { public: 'ANSWER-OF-THE-INTERNET', private: 'ANSWER-OF-A-PRIVATE-NETWORK' } as const;
