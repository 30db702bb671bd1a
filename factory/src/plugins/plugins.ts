import { assertSchema } from './schemas.js';
import {
  BuildError,
  type CloudPlugin,
  type OsPlugin,
  type Plugin,
  type Template,
} from '@imagefactory/plugin-api';
import { partNames, partsOf } from '../templates/index.js';

/** The target that any template can be built for, by the mock plugins. */
const mockTarget = 'mock';
const mockOsName = 'mock';
const localQueue = 'local';

/** The plugins that build one template for one target. */
export interface BuildPlan {
  readonly target: string;
  readonly os: OsPlugin;
  readonly cloud: CloudPlugin;
  /** Name of the resource that the build uses. */
  readonly queue: string;
  /** Part of the work that the base image stands for; the target image is the rest. */
  readonly baseShare: number;
}

/** The mock's is what the consoles of 2011 saw: 20 % for the base. Installing a real system is nearly all of a build. */
const baseShares = { mock: 0.2, real: 0.9 };

/** The agent's plugins, and the choice among them. */
export class PluginSet {
  readonly all: readonly Plugin[];
  readonly #os: readonly OsPlugin[];
  readonly #clouds: readonly CloudPlugin[];

  /** @throws Error if two plugins of a kind have one name, or two clouds one target, or a schema of one is none */
  constructor(plugins: readonly Plugin[]) {
    this.all = plugins;
    this.#os = plugins.filter(plugin => plugin.kind === 'os');
    this.#clouds = plugins.filter(plugin => plugin.kind === 'cloud');
    assertUnique(
      'OS plugin',
      this.#os.map(({ name }) => name),
    );
    assertUnique(
      'cloud plugin',
      this.#clouds.map(({ name }) => name),
    );
    assertUnique('target', this.targets);
    for (const { name, providers } of this.#clouds)
      for (const schema of [providers?.definition, providers?.credentials?.fields])
        if (schema !== undefined) assertSchema(name, schema);
  }

  /** Every target that a caller may name. */
  get targets(): readonly string[] {
    return this.#clouds.flatMap(({ targets }) => targets);
  }

  /** The target whose images a provider takes, by the beginning of its name; undefined if no plugin knows it. */
  targetOfProvider(name: string): string | undefined {
    const claims = this.#providerNames.filter(([beginning]) => name.startsWith(beginning));
    claims.sort(([one], [other]) => other.length - one.length);
    return claims[0]?.[1];
  }

  /** Whether a plugin takes images of the target to providers. */
  pushes(target: string): boolean {
    return this.#clouds.some(cloud => cloud.push !== undefined && cloud.targets.includes(target));
  }

  /** The beginnings of the names of providers that plugins know. */
  get providerNames(): readonly string[] {
    return this.#providerNames.map(([beginning]) => beginning);
  }

  get #providerNames(): readonly (readonly [string, string])[] {
    const pushing = this.#clouds.filter(cloud => cloud.push !== undefined);
    return pushing.flatMap(({ targets, providers }) =>
      Object.entries(providers?.names ?? Object.fromEntries(targets.map(target => [target, target]))),
    );
  }

  /** @throws BuildError `target_unsupported` that names the known targets */
  cloudFor(target: string): CloudPlugin {
    const cloud = this.#clouds.find(({ targets }) => targets.includes(target));
    if (cloud !== undefined) return cloud;
    const known =
      this.targets.length === 0 ? 'this agent has none' : `known here: ${this.targets.join(', ')}`;
    throw new BuildError(
      'target_unsupported',
      target === ''
        ? `it is empty; ${known}`
        : `${JSON.stringify(target.slice(0, 60))} is no target of this agent; ${known}`,
    );
  }

  /**
   * Who builds the template for the target. For the target `mock` that is the mock, whatever the template.
   *
   * @throws BuildError `target_unsupported`, `os_unsupported`, `template_invalid`, or what the plugin has against the template
   */
  plan(template: Template, target: string): BuildPlan {
    const cloud = this.cloudFor(target);
    if (target === mockTarget) {
      const os = this.#os.find(({ name }) => name === mockOsName);
      if (os === undefined) {
        throw new BuildError(
          'os_unsupported',
          'the target mock needs the OS plugin mock, which this agent has not loaded',
        );
      }
      return { target, os, cloud, queue: queueOf(cloud), baseShare: baseShares.mock };
    }
    if (template.os === undefined) {
      throw new BuildError(
        'template_invalid',
        `the template names no operating system; for the target ${target} add <os> with <name>, <version>, <arch> and <install>`,
      );
    }
    const candidates = this.#os.filter(({ name }) => name !== mockOsName);
    const os = candidates.find(plugin => supports(plugin, template));
    if (os !== undefined) {
      refuseUnserved(os, template);
      os.check?.(template);
      return { target, os, cloud, queue: queueOf(cloud), baseShare: baseShares.real };
    }
    const { name, version, arch } = template.os;
    const asked = JSON.stringify(`${name} ${version} ${arch}`.slice(0, 80));
    const supported = candidates.map(({ summary }) => summary).join('; ');
    throw new BuildError(
      'os_unsupported',
      `no plugin of this agent builds ${asked}; supported: ${supported === '' ? 'none beside the target mock' : supported}`,
    );
  }
}

/** Name of the resource that a cloud's builds and pushes use. */
export function queueOf(cloud: CloudPlugin): string {
  return cloud.queue ?? localQueue;
}

/** What a plugin would leave out without a word must not be in the template. */
function refuseUnserved(plugin: OsPlugin, template: Template): void {
  const { serves = [] } = plugin;
  const unserved = partsOf(template).filter(part => !serves.includes(part));
  if (unserved.length === 0) return;
  throw new BuildError(
    'template_invalid',
    `the plugin ${plugin.name} does not act on ${unserved.map(part => partNames[part]).join(', ')}; remove that from the template`,
  );
}

/** A plugin that throws here only takes itself out of the choice. */
function supports(plugin: OsPlugin, template: Template): boolean {
  try {
    return plugin.supports(template);
  } catch {
    return false;
  }
}

function assertUnique(what: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the ${what} ${twice} is there twice; load it once`);
}
