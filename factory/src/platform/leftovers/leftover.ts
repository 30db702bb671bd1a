/** Something that a dead run of an agent left behind. */
export interface Leftover {
  /** In a few words, with the path or number by which it can be found. */
  readonly what: string;
  /** Why it is still there; absent when it was removed. */
  readonly why?: string;
}
