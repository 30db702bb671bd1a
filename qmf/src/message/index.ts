export { type AgentInfo } from './agent-info.js';
export { type AgentName, agentNameFromText, agentNameToText } from './agent-name.js';
export type { Address, BodyForm, Envelope } from './envelope.js';
export { AgentException, exceptionCodes } from './exception.js';
export type { QueryRequest, QueryTarget } from './query.js';
export { unknownUserIds, type UserIds } from './user-ids.js';
export type { SubscribeRequest, SubscribeResponse } from './subscribe.js';
