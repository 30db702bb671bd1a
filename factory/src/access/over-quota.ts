/** A caller, or all callers together, would have more than their share; nothing was begun. The message names the limit and the remedy. */
export class OverQuota extends Error {
  override readonly name = 'OverQuota';
}
