import { addressFromPlain, type DataAddress, type PlainMap } from '@imagefactory/qmf';
import { bigintIn, mapIn, numberIn, optionalTextIn, textIn } from '../answers.js';
import type { BuildChange } from '../tracking/build-change.js';

/** An image that a provider had already was recorded. The uuids are those that `importImage()` gives. */
export interface ImportEvent {
  readonly kind: 'import';
  readonly image?: string;
  readonly build?: string;
  readonly targetImage?: string;
  readonly providerImage: string;
  readonly target?: string;
  readonly provider?: string;
  readonly targetIdentifier?: string;
}

/** An event of a newer agent. */
export interface OtherEvent {
  readonly kind: 'other';
  /** The agent's word for it. */
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
  readonly change: BuildChange | ImportEvent | OtherEvent;
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
    case 'IMPORT': {
      const { target_image: targetImage } = optionalTextIn(map, 'target_image');
      const { target_identifier: targetIdentifier } = optionalTextIn(map, 'target_identifier');
      return {
        kind: 'import',
        providerImage: textIn(map, 'provider_image'),
        ...optionalTextIn(map, 'image'),
        ...optionalTextIn(map, 'build'),
        ...(targetImage === undefined ? {} : { targetImage }),
        ...optionalTextIn(map, 'target'),
        ...optionalTextIn(map, 'provider'),
        ...(targetIdentifier === undefined ? {} : { targetIdentifier }),
      };
    }
    default:
      return { kind: 'other', event, values: map };
  }
}
