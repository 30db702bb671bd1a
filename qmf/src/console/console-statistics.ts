/** What a console session has met so far; counters only grow. */
export interface ConsoleStatistics {
  /** Agents known at present. */
  readonly agents: number;
  /** Requests that wait for an answer at present. */
  readonly pendingRequests: number;
  /** Events dropped: nobody came to know their agent, or their reader was too slow. */
  readonly droppedEvents: number;
  /** Events that came a second time and were recognised by their message id. */
  readonly duplicateEvents: number;
  /** The same for parts of answers and for publications; a whole answer that comes a second time finds nobody waiting. */
  readonly duplicateAnswers: number;
  /** Messages that were dropped because they cannot be read. */
  readonly unreadableMessages: number;
}
