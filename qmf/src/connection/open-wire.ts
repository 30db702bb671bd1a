import { QmfError } from '../errors.js';
import type { Transport, Wire } from '../transport/transport.js';
import type { Bindings } from './bindings.js';
import { wait } from './signals.js';
import type { Timers } from './timers.js';

export interface OpenWireOptions {
  readonly bindings: Bindings;
  /** Milliseconds for the dial and the bindings together. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly timers: Timers;
  /** Called with each message that cannot be decoded. */
  readonly onMalformed: (error: QmfError) => void;
  /** Called in the moment in which the last binding is in place. */
  readonly onOpen: (wire: Wire) => void;
}

/**
 * Dials and puts the bindings in place; only then does a connection count as open.
 *
 * @throws QmfError why there is no connection; a wire that was begun is closed again
 */
export async function openWire(transport: Transport, options: OpenWireOptions): Promise<Wire> {
  const { timeout, signal, timers } = options;
  const what = `connecting to ${transport.description}`;
  const given = new AbortController();
  const isGivenUp = (): boolean => given.signal.aborted;
  let wire: Wire | undefined;
  const open = async (): Promise<Wire> => {
    const dialled = await transport.dial(given.signal);
    wire = dialled;
    dialled.onMalformed?.(options.onMalformed);
    if (isGivenUp()) await dialled.close();
    else {
      await options.bindings.placeAll(dialled, () => {
        if (!isGivenUp()) options.onOpen(dialled);
      });
    }
    return dialled;
  };
  try {
    // The deadline covers the bindings too: a broker may open a connection and then never answer an attach.
    return await wait<Wire>(what, { timeout, signal, timers }, (resolve, reject) => {
      open().then(resolve, (error: unknown) => reject(QmfError.from(error, 'unreachable')));
      return () => given.abort();
    });
  } catch (error) {
    await wire?.close();
    throw refusal(QmfError.from(error, 'unreachable'), transport.description, timeout);
  }
}

/** The only abort besides the owner's own is the deadline, which is worth another try. */
function refusal(reason: QmfError, broker: string, timeout: number): QmfError {
  if (reason.code !== 'aborted' && reason.code !== 'timeout') return reason;
  return new QmfError(
    'unreachable',
    `${broker} did not answer within ${Number((timeout / 1_000).toPrecision(2))} s`,
  );
}
