import type { Connection } from 'rhea';

/** What rhea's typings leave out: where a connection turns what is due into frames, and how it arranges for that. */
interface ConnectionOutput {
  readonly socket?: { cork(): void; uncork(): void };
  registered?: boolean;
  _register(): void;
  _process(): void;
  create_session(...args: readonly unknown[]): SessionOutput;
  remove_session(session: SessionOutput): void;
}
interface SessionOutput {
  remove_link(link: unknown): void;
}

/**
 * Makes a connection write once in a turn of the event loop, when everything that the turn's input has led to is done. rhea would
 * write in the next tick, which comes before promises are settled: the disposition of a request by itself, and later its answer. Each
 * write costs a system call and wakes the broker, and that was 40 % of an agent's time; so answer and disposition go together.
 *
 * When the peer ends a link or a session, rhea answers with `detach` or `end` and forgets it a tick later. Frames that are due are written
 * before it is forgotten: without the answer (OASIS AMQP 1.0, part 2 §2.5.5 and §2.6.6) RabbitMQ 3 ignores every later session on the same
 * channel.
 */
export function gatherWrites(connection: Connection): void {
  // Not in rhea's typings; lib/connection.js of rhea 3.0 has them all.
  const internals = connection as unknown as ConnectionOutput;
  const process = internals._process.bind(internals);
  internals._process = () => {
    const { socket } = internals;
    socket?.cork();
    try {
      process();
    } finally {
      socket?.uncork();
    }
  };
  internals._register = () => {
    if (internals.registered === true) return;
    internals.registered = true;
    setImmediate(() => internals._process());
  };
  const writeWhatIsDue = (): void => {
    if (internals.registered === true) internals._process();
  };
  const createSession = internals.create_session.bind(internals);
  internals.create_session = (...args) => {
    const session = createSession(...args);
    const removeLink = session.remove_link.bind(session);
    session.remove_link = link => {
      writeWhatIsDue();
      removeLink(link);
    };
    return session;
  };
  const removeSession = internals.remove_session.bind(internals);
  internals.remove_session = session => {
    writeWhatIsDue();
    removeSession(session);
  };
}
