/** What is known of how an event came. */
export interface Delivery {
  /** Read back by a query, because no event told of it: the bus was away, or it was lost. */
  readonly caughtUp: boolean;
  /** Only with the announced end of a build that its agent has not confirmed within 5 s. */
  readonly confirmed?: false;
}
