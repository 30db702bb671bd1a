/**
 * What a caller gave to log in at a provider, read from `<provider_credentials><x_credentials>…</x_credentials></provider_credentials>`.
 * All of its values are secrets: they must not reach a log, an event or an error.
 */
export interface Credentials {
  /** The fields of one kind, such as `mock` for `<mock_credentials>`; undefined when there are none of that kind. */
  of(kind: string): Readonly<Record<string, string>> | undefined;
  /** The kinds that there are, which are no secrets. */
  readonly kinds: readonly string[];
}

/** Where an image is to be taken. */
export interface Provider {
  /** As the caller wrote it, such as `mock-one` or `ec2-us-east-1`; of a definition its `name`, or the target. */
  readonly name: string;
  /** What its definition says, where there is one. May hold secrets. */
  readonly definition?: Readonly<Record<string, string>>;
}

/** A target image on its way to a provider. */
export interface PushOrder {
  readonly target: string;
  readonly provider: Provider;
  readonly credentials: Credentials;
  /** The target image; its file belongs to the store and must stay as it is. */
  readonly image: { readonly identifier: string; readonly path: string; readonly format: string };
  /** Uuid of the provider image that comes of it. */
  readonly identifier: string;
}

/** An image at a provider. */
export interface PushedImage {
  /** What the provider calls it. */
  readonly identifierOnProvider: string;
  /** Whose account it is in there; no secret. */
  readonly account?: string;
  /** What is to be kept of it here: a file in the scratch directory. */
  readonly record: { readonly path: string; readonly format: string };
}
