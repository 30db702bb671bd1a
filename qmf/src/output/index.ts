export { outputExitCodes, type OutputLoss, StandardStreams } from './standard-streams.js';
