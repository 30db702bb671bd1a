import { defineData, Int, type ReceivedEvent } from '@imagefactory/qmf';
import { NEWS_PACKAGE } from './build-news.js';

/** Object name of the one FactoryRecords object of an agent. */
export const RECORDS_OBJECT = 'factory_records';

/** Records or events that one answer has at most. */
export const RECORDS_PAGE = 1_000;

/**
 * Application property with the sequence of an event in the factory's store, a number. Events of the classes of 2011 carry it when the store has
 * them; their bodies are those of 2011. The name has no `x-`: RabbitMQ 4 turns such headers of AMQP 0-9-1 into message annotations of 1.0.
 */
export const SEQUENCE_PROPERTY = 'imagefactory.sequence';

/** Arguments of the methods that query records. */
const query = {
  where: {
    type: 'map',
    dir: 'I',
    nullable: true,
    desc: 'fields and their values: one value, a list of alternatives, or a map of operators (= != < <= > >= ~) and values',
  },
  sort: { type: 'list', dir: 'I', nullable: true, desc: 'names of fields, with "-" in front to descend' },
  limit: { type: 'int', dir: 'I', nullable: true, desc: 'records of the page; 100 if left out' },
  after: { type: 'string', dir: 'I', nullable: true, desc: 'next of the page before' },
  items: { type: 'list', dir: 'O', desc: 'maps of the fields that have a value' },
  next: { type: 'string', dir: 'O', nullable: true, desc: 'cursor of the next page; absent after the last' },
} as const;

/** The record of the factory: events, jobs and images, and orders that are carried out once. */
export const FactoryRecords = defineData({
  package: NEWS_PACKAGE,
  name: 'FactoryRecords',
  properties: {},
  methods: {
    events: {
      desc: 'Events of a build, or of all builds, from a sequence on',
      arguments: {
        build: {
          type: 'string',
          dir: 'I',
          desc: 'name of an adaptor, or the uuid of its image; empty for all',
        },
        from: { type: 'int', dir: 'I', desc: 'sequence of the first event; 1 for the beginning' },
        limit: { type: 'int', dir: 'I', nullable: true, desc: 'events of the page; 100 if left out' },
        events: {
          type: 'list',
          dir: 'O',
          desc: 'maps of seq, time, event, addr and the values of the event',
        },
        next: { type: 'int', dir: 'O', desc: 'from of the next page' },
        over: { type: 'bool', dir: 'O', desc: 'the build has ended, and there are no further events' },
      },
    },
    jobs: { desc: 'Jobs by their fields', arguments: query },
    images: { desc: 'Base, target and provider images by their fields', arguments: query },
    order: {
      desc: 'Carry out a method of ImageFactory once for a key of the caller',
      arguments: {
        order_key: { type: 'string', dir: 'I', desc: 'any text of 1 to 255 characters, such as a uuid' },
        method: { type: 'string', dir: 'I' },
        arguments: { type: 'map', dir: 'I' },
        results: { type: 'map', dir: 'O', desc: 'those of the method; the same ones for the same key' },
      },
    },
  },
});

/** The sequence of an event in the store of its agent; undefined for events without one, such as those of agents of other makes. */
export function sequenceOf({ properties }: Pick<ReceivedEvent, 'properties'>): number | undefined {
  const value = properties.get(SEQUENCE_PROPERTY);
  return value instanceof Int && typeof value.value === 'number' && value.value > 0 ? value.value : undefined;
}
