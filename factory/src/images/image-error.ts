/** What can be wrong with a request to a store of images; each has an entry in `docs/images.md`. */
export const imageErrorCodes = [
  'invalid',
  'exists',
  'not_found',
  'not_managed',
  'conflict',
  'has_children',
  'corrupt',
  'busy',
] as const;

export type ImageErrorCode = (typeof imageErrorCodes)[number];

/** A refusal of the image store: one line that names the image or the file, and what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  constructor(
    readonly code: ImageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
