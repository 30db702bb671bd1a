export * from './transport.js';
export * from './broker-url.js';
export { amqp10, type Amqp10Options } from './amqp10/amqp10.js';
export { type DialectName, dialectNames } from './amqp10/dialects/index.js';
export { amqp091, type Amqp091Options } from './amqp091/amqp091.js';
export { transportFor, type TransportOptions } from './transport-for.js';
