import type { BuildContext } from './context.js';
import type { Diagnosis } from './doctor.js';
import type { InstalledPackage } from './installed-package.js';
import type { JsonSchema } from './json-schema.js';
import type { PushedImage, PushOrder } from './push.js';
import type { SandboxSettings } from './sandbox/settings.js';
import type { Template, TemplatePart } from './template.js';

/** A disk image in the build's scratch directory, made by an OS plugin. */
export interface BaseImage {
  /** Absolute path of the body. */
  readonly path: string;
  /** Format in the words of `qemu-img`: `raw`, `qcow2`; `mock` for the mock. */
  readonly format: string;
  /** What the guest runs, for those who must tag it: e.g. `{ name: 'Debian', version: '12', arch: 'x86_64' }`. */
  readonly os?: { readonly name: string; readonly version: string; readonly arch: string };
  /** All packages that are installed in it, if the plugin knows them; the agent makes the image's manifests of them. */
  readonly packages?: readonly InstalledPackage[];
}

/** The image in the form that a cloud takes. */
export interface TargetImage {
  readonly path: string;
  readonly format: string;
}

/** Bytes that a build will take at most on the agent's disks, roughly; what a sparse file leaves out does not count. */
export interface SpaceEstimate {
  /** In the scratch directory. */
  readonly scratch: number;
  /** In the image directory. */
  readonly image: number;
}

interface PluginBase {
  /** Unique among the agent's plugins of the same kind; lower case. */
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /**
   * What the plugin needs outside of Node.js, and whether this machine has it. Must not change anything.
   *
   * @param sandbox the operator's choices for sandboxes, for {@link sandboxRequirements}; default: those of `/etc/subuid`
   */
  doctor(sandbox?: SandboxSettings): Promise<Diagnosis>;
}

/** Makes a base image from a template. */
export interface OsPlugin extends PluginBase {
  readonly kind: 'os';
  /** Whether this plugin builds that operating system, version and architecture. */
  supports(template: Template): boolean;
  /** Throws a {@link BuildError} for a template that cannot be built; its order is refused with that. Called before any work is done. */
  check?(template: Template): void;
  /** The less usual parts of a template that it acts on; a template with others is refused beforehand. Default: none. */
  readonly serves?: readonly TemplatePart[];
  /**
   * Whether a build that runs when the agent is killed may be begun once more at its next start, instead of failing: `buildBase` can be
   * called again for the same build, after what the dead run had left was removed, and takes what it had finished from `context.stage`.
   * Default false.
   */
  readonly resumable?: boolean;
  /** What building the template will take, to be reserved beforehand. Default: nothing is reserved. */
  space?(template: Template): SpaceEstimate;
  /** Makes the base image. Rejects with a {@link BuildError} for failures that a person can act on. */
  buildBase(template: Template, context: BuildContext): Promise<BaseImage>;
}

/** The providers of a cloud plugin, and what orders say about them. An order that does not follow this is refused before any work. */
export interface ProviderDeclaration {
  /** The target of a provider by the beginning of its name: `{ 'ec2-': 'ec2' }`. The longest beginning counts. */
  readonly names?: Readonly<Record<string, string>>;
  /** The fields of a definition, which are texts. */
  readonly definition?: JsonSchema;
  /** The credentials: `<KIND_credentials>` with an element for each field. */
  readonly credentials?: {
    readonly kind: string;
    /** The fields, which are texts. */
    readonly fields: JsonSchema;
  };
}

/** Turns a base image into the form of its targets. */
export interface CloudPlugin extends PluginBase {
  readonly kind: 'cloud';
  /** Target names as callers write them, e.g. `openstack-kvm`. */
  readonly targets: readonly string[];
  /** The providers that take images of the targets. Default: those whose names begin with a target, with any definition and credentials. */
  readonly providers?: ProviderDeclaration;
  /** Name of the resource that builds for these targets use, and wait for when it is busy. Default `local`, this machine. */
  readonly queue?: string;
  /** What turning a base image into a target image takes beyond the base image itself. */
  space?(template: Template): SpaceEstimate;
  buildTarget(
    target: string,
    base: BaseImage,
    template: Template,
    context: BuildContext,
  ): Promise<TargetImage>;
  /**
   * Takes a target image to a provider; absent where the plugin can't. Rejects with a {@link BuildError} of the code
   * `credentials_refused` when the credentials are of the wrong kind, lack something, or the provider doesn't take them.
   */
  push?(order: PushOrder, context: BuildContext): Promise<PushedImage>;
}

export type Plugin = OsPlugin | CloudPlugin;
