/** The brokers that the suites know how to start. */
export type BrokerKind = 'embedded' | 'rabbitmq' | 'rabbitmq4' | 'broker-j' | 'artemis' | 'qpidd';

/** The AMQP versions that we have a transport for. */
export type Protocol = 'amqp10' | 'amqp091';

/** A broker that runs, on the loopback interface unless the environment named another. */
export interface RealBroker {
  readonly kind: BrokerKind;
  /** `amqp://[user:password@]host:port`; one port serves every protocol, as all these brokers tell them apart by the header. */
  readonly url: string;
  readonly protocols: readonly Protocol[];
  /** Which of the ways worked. */
  readonly how: string;
  /** Means to ill-treat it; absent where the process is not ours. */
  readonly process?: BrokerProcess;
  /** Runs one of its command-line tools against it, from the broker's own installation; absent where there are none. */
  readonly tool?: BrokerTool;
  /** Stops what was started, and removes its files. */
  stop(): Promise<void>;
}

/** A broker's process, for tests that take it away for a while. */
export interface BrokerProcess {
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Stops it and lets it close its connections. */
  stop(): Promise<void>;
  /**
   * Starts it again with the same files, and waits until it listens.
   *
   * @param port where, if not on the same port as before
   * @returns the address, as {@link RealBroker.url}
   */
  start(port?: number): Promise<string>;
}

/** Runs a command of the broker's, as `rabbitmqctl`; resolves with its output, rejects with it if the command fails. */
export type BrokerTool = (command: string, args: readonly string[]) => Promise<string>;

/** Why a broker could not be had. */
export interface MissingBroker {
  readonly kind: BrokerKind;
  readonly missing: string;
}
