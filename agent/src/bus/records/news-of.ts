import { failureType, type BuildErrorCode } from '@imagefactory/plugin-api';
import type { PlainMap } from '@imagefactory/qmf';
import { buildStatus } from '@imagefactory/factory/jobs';
import type { Batch, Image, Job, JobError, JobStatus, StoreEvent } from '@imagefactory/factory/store';
import { wordsFor } from '../status-words.js';

/**
 * The events on the bus that tell of an event of a job, in their order and in the words of its adaptor's year: several for an end, none for a change
 * that this year has no word for. The job itself is told by its status `NEW`.
 *
 * @param name of the adaptor
 */
export function newsOf(
  { type, data }: Pick<StoreEvent, 'type' | 'data'>,
  job: Pick<Job, 'kind'>,
  name: string,
): readonly PlainMap[] {
  const words = wordsFor(name, job.kind === 'provider' ? 'push' : 'build');
  const word = (status: JobStatus): string => words.of(buildStatus({ kind: job.kind, status }));
  switch (type) {
    case 'job.added':
      return [{ event: 'STATUS', new_status: word('new'), old_status: '' }];
    case 'job.progress':
      return [percentage(data['percent'])];
    case 'job.state': {
      // As the store writes them.
      const { from, to, error } = data as unknown as StateData;
      return [
        ...(to === 'completed' ? [percentage(100)] : []),
        ...(error === undefined ? [] : [failure(error)]),
        ...(word(from) === word(to)
          ? []
          : [{ event: 'STATUS', new_status: word(to), old_status: word(from) }]),
      ];
    }
    default:
      return [];
  }
}

/** The data of `job.state`. */
interface StateData {
  readonly from: JobStatus;
  readonly to: JobStatus;
  readonly error?: JobError;
}

function percentage(percent: unknown): PlainMap {
  return { event: 'PERCENTAGE', percent_complete: Number(percent) };
}

function failure({ type, reason }: JobError): PlainMap {
  // Errors of jobs have the codes of plugins.
  return { event: 'FAILURE', type: failureType(type as BuildErrorCode), info: reason };
}

/** Whether a provider image came to be that no job has made. */
export function isImport({ type, job, data }: StoreEvent): boolean {
  const { kind, from, to } = data;
  return (
    type === 'image.state' &&
    job === undefined &&
    kind === 'provider' &&
    from === undefined &&
    to === 'complete'
  );
}

/** The event that tells of an imported provider image; undefined for one that came from elsewhere with its adaptor. */
export function importOf(image: Image, batch: Batch | undefined): PlainMap | undefined {
  if (image.properties['adaptor'] !== undefined) return undefined;
  const { id, parent, target, provider, identifierOnProvider } = image;
  return {
    event: 'IMPORT',
    ...(batch === undefined ? {} : { image: batch.imageSet, build: batch.id }),
    ...(parent === undefined ? {} : { target_image: parent }),
    provider_image: id,
    ...(target === undefined ? {} : { target }),
    ...(provider === undefined ? {} : { provider }),
    ...(identifierOnProvider === undefined ? {} : { target_identifier: identifierOnProvider }),
  };
}
