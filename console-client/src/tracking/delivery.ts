/** How an event came. */
export interface Delivery {
  /**
   * Read back by a query, because no event announced it: the bus was away, or it was lost. Without a {@link sequence} it was made from the state of
   * the build, and events between the two may be missing.
   */
  readonly caughtUp: boolean;
  /** In the store of the agent: grows with time, over all builds of the agent. Absent where the agent keeps none. */
  readonly sequence?: number;
  /** Only with the announced end of a build that its agent has not confirmed within 5 s. */
  readonly confirmed?: false;
}
