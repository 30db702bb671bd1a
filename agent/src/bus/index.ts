export { EventSender } from './event-sender.js';
export { type FactoryParts, publishFactory } from './factory.js';
export { FinishedAdaptors, type KeepLimits } from './finished-adaptors.js';
export { publishRecovered } from './recovered.js';
