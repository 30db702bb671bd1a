export type Scalar = string | number | boolean | null;

/**
 * A condition on one field. `~` finds a text within a text; the case of ASCII letters is ignored. `in` takes a list. A field without a value equals
 * `null` and satisfies no comparison by order. Texts are ordered by their UTF-8 bytes. For a field that holds a number or a boolean the
 * value may be its text. Inside JSON, a number is compared with numbers only, and a text with the text of any value.
 */
export interface Condition {
  /** Name of a field in its own spelling or with underscores, followed by names inside of a JSON value: `parameters.disk.size`. */
  readonly field: string;
  readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | '~' | 'in';
  readonly value: Scalar | readonly Scalar[];
}

/** Fields and the values that they must have, or conditions; all must hold. */
export type Where = Readonly<Record<string, Scalar>> | readonly Condition[];

export interface SortKey {
  readonly field: string;
  readonly descending?: boolean;
}

export interface Query {
  readonly where?: Where;
  /** Default: the oldest first. Records without a value come last; equal ones are ordered by their id. */
  readonly sort?: readonly SortKey[];
  /** Records in the page, 1 to 1000; default 100. */
  readonly limit?: number;
  /** `next` of the page before, with the same sort. */
  readonly after?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Cursor of the next page; absent after the last record. */
  readonly next?: string;
}
