const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const wholeUuid = new RegExp(`^${uuid.source}$`);
const isoTime = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** A directory for the scratch files of one run of an agent: process, host and random characters. */
const scratch = /\/imagefactory-\d+\/[^/\s]+/g;

/** What stands before a uuid, and the word for it. */
const roles: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`redhat[._]com[:.]imagefactory[:.](${uuid.source})`, 'g'), 'agent'],
  [new RegExp(`direct-console\\.(${uuid.source})`, 'g'), 'console'],
  [new RegExp(`direct-agent\\.route\\.(${uuid.source})`, 'g'), 'route'],
  [new RegExp(`build_adaptor(?:-|:[a-z_]+:)(${uuid.source})`, 'g'), 'adaptor'],
];

/** Times of our days, in milliseconds or nanoseconds since 1970. */
const timeRanges: readonly (readonly [bigint, bigint])[] = [
  [1_500_000_000_000n, 10_000_000_000_000n],
  [1_500_000_000_000_000_000n, 10_000_000_000_000_000_000n],
];

export const TIME = '<time>';

/** Whether an integer is a point in time, and so another one in every run. */
export function isTime(value: number | bigint): boolean {
  return timeRanges.some(([from, to]) => value >= from && value < to);
}

/**
 * Stable names for what is another one in every run: `<adaptor-1>` for a uuid, `<time>`. A uuid is called by what it identifies;
 * the number is that of its first appearance.
 */
export class Names {
  readonly #roles = new Map<string, string>();
  readonly #uuids = new Map<string, string>();
  readonly #requests = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  /** The longest first: a directory stands in the paths of others below it. */
  readonly #literals: readonly (readonly [string, string])[];

  /** @param literals texts that differ from run to run, such as paths, with their names */
  constructor(literals: Readonly<Record<string, string>>) {
    this.#literals = Object.entries(literals).sort(([one], [other]) => other.length - one.length);
  }

  /**
   * Learns what the uuids in a text identify. Patterns of the text count more than the key that it stands under.
   *
   * @param key key of the map entry whose value the text is
   */
  learn(text: string, key?: string): void {
    for (const [pattern, role] of roles)
      for (const [, id = ''] of text.matchAll(pattern)) this.#roles.set(id, role);
    if (key === undefined || !wholeUuid.test(text) || this.#roles.has(text)) return;
    this.#roles.set(text, key.replace(/^_/, '').replaceAll('_', '-'));
  }

  /** A text with names in place of all that it stands for. */
  text(text: string): string {
    let named = text;
    for (const [literal, name] of this.#literals) named = named.replaceAll(literal, name);
    return named
      .replace(scratch, '/<scratch>')
      .replace(isoTime, TIME)
      .replace(uuid, id => this.#uuid(id));
  }

  /** Names a request by what it asks for: `<build_image-call-2>` for the second call of that method. */
  nameRequest(correlationId: string, what: string): void {
    if (!this.#requests.has(correlationId)) this.#requests.set(correlationId, this.#next(what));
  }

  /** The name of the request with a correlation id; other ids are texts. */
  request(correlationId: string): string {
    return this.#requests.get(correlationId) ?? this.text(correlationId);
  }

  #uuid(id: string): string {
    const known = this.#uuids.get(id);
    if (known !== undefined) return known;
    const name = this.#next(this.#roles.get(id) ?? 'uuid');
    this.#uuids.set(id, name);
    return name;
  }

  #next(word: string): string {
    const count = (this.#counts.get(word) ?? 0) + 1;
    this.#counts.set(word, count);
    return `<${word}-${count}>`;
  }
}
