export type { AgentChange, AgentGoneReason } from './agent-record.js';
export { ConsoleAgent } from './console-agent.js';
export { ConsoleSession } from './console-session.js';
export type { ConsoleOptions } from './options.js';
export type { QueryInput } from './query-input.js';
export { asTyped, type ReceivedEvent, type TypedEvent } from './received-event.js';
export { type MethodResult, type RemoteObject, TypedObject } from './remote-object.js';
export type { RequestOptions } from './request-table.js';
export type { ObjectSubscription } from './subscription.js';
