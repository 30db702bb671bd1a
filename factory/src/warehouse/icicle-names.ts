/**
 * The uuid of an image's list of packages: that of the image with the version 8 (RFC 9562, free for such use) in place of 4. So neither has to
 * be kept beside the other, and they differ where both are in one bucket.
 */
export function icicleIdOf(image: string): string | undefined {
  return image[14] === '4' ? withVersion(image, '8') : undefined;
}

/** The uuid of the image that a list of packages is of; undefined for what is no name of such a list. */
export function imageIdOfIcicle(icicle: string): string | undefined {
  return icicle[14] === '8' ? withVersion(icicle, '4') : undefined;
}

function withVersion(uuid: string, version: string): string {
  return uuid.slice(0, 14) + version + uuid.slice(15);
}
