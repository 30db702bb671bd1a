import { addressFromPlain, type DataAddress, type PlainMap } from '@imagefactory/qmf';
import { bigintIn, mapIn, numberIn, textIn } from '../answers.js';
import type { BuildChange } from '../tracking/build-change.js';

/** An event that is on record and is no change of a build, such as an import. */
export interface OtherEvent {
  readonly kind: 'other';
  /** The agent's word for it, such as `IMPORT`. */
  readonly event: string;
  /** All that the record says of it. */
  readonly values: PlainMap;
}

/** An event as its agent has it on record. */
export interface RecordedEvent {
  readonly sequence: number;
  /** Nanoseconds since 1970 by the agent's clock. */
  readonly at: bigint;
  /** The adaptor; absent for what has none. */
  readonly address?: DataAddress;
  readonly change: BuildChange | OtherEvent;
}

/** @throws QmfError `malformed_message` naming the field that is wrong */
export function recordedEventFrom(map: PlainMap): RecordedEvent {
  const sequence = numberIn(map, 'seq');
  return {
    sequence,
    at: bigintIn(map, 'time'),
    ...(map['addr'] === undefined ? {} : { address: addressFromPlain(mapIn(map, 'addr')) }),
    change: changeFrom(map, { caughtUp: true, sequence }),
  };
}

function changeFrom(
  map: PlainMap,
  origin: { readonly caughtUp: true; readonly sequence: number },
): RecordedEvent['change'] {
  const event = textIn(map, 'event');
  switch (event) {
    case 'STATUS': {
      const [status, oldStatus] = [textIn(map, 'new_status'), textIn(map, 'old_status')];
      return { kind: 'status', status, oldStatus, ...origin };
    }
    case 'PERCENTAGE':
      return { kind: 'percent', percent: numberIn(map, 'percent_complete'), ...origin };
    case 'FAILURE':
      return { kind: 'failure', type: textIn(map, 'type'), info: textIn(map, 'info'), ...origin };
    default:
      return { kind: 'other', event, values: map };
  }
}
