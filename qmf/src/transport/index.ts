export * from './transport.js';
export * from './broker-url.js';
export { amqp10, type Amqp10Options } from './amqp10/amqp10.js';
