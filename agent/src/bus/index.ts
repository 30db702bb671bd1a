export { AdaptorIndex } from './adaptor-index.js';
export { callerShares, shareLimits } from './caller-shares.js';
export { EventSender } from './event-sender.js';
export { publishFactory } from './factory.js';
export type { FactoryParts } from './parts.js';
export { FinishedAdaptors, type KeepLimits } from './finished-adaptors.js';
export { publishRecovered } from './recovered.js';
export { publishNews } from './news.js';
