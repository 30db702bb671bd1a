/** What a template may have at most. */
export interface TemplateLimits {
  /** Bytes of UTF-8. */
  readonly bytes: number;
  /** Levels of elements; TDL has five. */
  readonly depth: number;
  /** Elements in the whole; a tree of more would keep the agent from answering for seconds. */
  readonly elements: number;
  /** Attributes of one element; TDL has three. */
  readonly attributes: number;
}

/** Bytes of UTF-8 that a template may have at most, unless told otherwise. */
export const defaultTemplateLimit = 2 * 1024 * 1024;

export const defaultLimits: TemplateLimits = {
  bytes: defaultTemplateLimit,
  depth: 20,
  elements: 20_000,
  attributes: 20,
};
