/** Part of the arguments of orders. */
export interface OrderKey {
  /**
   * The caller's own key of the order, 1 to 255 characters, such as a uuid. An order that is repeated with its key after a failure which leaves open
   * whether it was carried out (`mayHaveBeenExecuted`) gives the results of the first one, and starts nothing.
   */
  readonly orderKey?: string;
}

/** Arguments of `buildImages`, by the declaration of the method `build_image` as of 2012. */
export interface BuildImagesInputs extends OrderKey {
  /** Uuid of the image to add a build to; one that is unknown is taken for the new one. Default: a new image. */
  readonly image?: string;
  /** Uuid of one of its builds to add target images to. Default: a new build. */
  readonly build?: string;
  /** Text, uuid of a stored template or of an image, or http(s) URL. Default: that of the image's latest build. */
  readonly template?: string;
  /** At most 100; none for those of the image's latest build. */
  readonly targets: readonly string[];
}

/** Arguments of `image`. */
export interface ImageInputs extends OrderKey {
  /** Text, uuid of a stored template or of an image, or http(s) URL. */
  readonly template: string;
  readonly target: string;
}

/** Arguments of `pushImage`. */
export interface PushImageInputs extends OrderKey {
  /** Uuid of the image. */
  readonly image: string;
  /** Uuid of one of its builds. Default: the latest one that was not pushed. */
  readonly build?: string;
  /** At most 100: names, or definitions in JSON or XML. */
  readonly providers: readonly string[];
  /** XML, `<provider_credentials>…</provider_credentials>`; the same for all. Kept by the agent for the pushes alone. */
  readonly credentials: string;
}

/** Arguments of `providerImage`. */
export interface ProviderImageInputs extends OrderKey {
  /** Uuid of a target image: {@link TargetImageRecord.id}, which a build's adaptor has as `image_id`. */
  readonly imageId: string;
  /** Name, or definition in JSON or XML. */
  readonly provider: string;
  /** As for {@link PushImageInputs.credentials}. */
  readonly credentials: string;
}

/** Arguments of `importImage`. */
export interface ImportImageInputs extends OrderKey {
  /** As for {@link BuildImagesInputs}. */
  readonly image?: string;
  readonly build?: string;
  /** What the provider calls the image. */
  readonly targetIdentifier: string;
  /** `<image><name>…</name></image>`; for a new image. */
  readonly imageDesc?: string;
  readonly target: string;
  readonly provider: string;
}

/** Uuids under which an import was noted. */
export interface ImportedImage {
  readonly image: string;
  readonly build: string;
  readonly targetImage: string;
  readonly providerImage: string;
}

/** Classes that `instanceStates` knows. */
export type StatefulClass = 'BuildAdaptor' | 'ImageFactory';

/** For each status those that may follow it. */
export type InstanceStates = Readonly<Record<string, readonly string[]>>;
