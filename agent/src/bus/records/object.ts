import { FactoryRecords, RECORDS_OBJECT } from '@imagefactory/schema';
import type { FactoryParts } from '../parts.js';
import { orRefusal } from '../refusal.js';
import { eventsPage } from './history.js';
import { KeyedOrders } from './keyed-orders.js';
import { imagesPage, jobsPage } from './pages.js';

/** Puts the object `factory_records` on the bus. */
export function publishRecords(parts: FactoryParts): void {
  const orders = new KeyedOrders(parts);
  parts.session.publish(FactoryRecords, {
    name: RECORDS_OBJECT,
    values: {},
    methods: {
      events: inputs => eventsPage(inputs, parts),
      jobs: inputs => jobsPage(inputs, parts),
      images: inputs => imagesPage(inputs, parts),
      order: (inputs, call) => orRefusal({}, () => orders.carryOut(inputs, call)),
    },
  });
}
