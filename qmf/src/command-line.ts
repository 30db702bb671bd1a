/**
 * Parts of a command line on the bus: the options that lead to a broker, and standard streams that survive a reader who leaves.
 *
 * @module
 */
export { outputExitCodes, type OutputLoss, StandardStreams } from './output/index.js';
export {
  brokerHelp,
  type BusFlag,
  busFlags,
  type BusFlagValues,
  checkBusFiles,
  readBusFlags,
} from './transport/index.js';
