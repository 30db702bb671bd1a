import type { DataAddress } from '@imagefactory/qmf';
import type { TrackedBuild } from './tracked-build.js';

/** More builds than an agent keeps; the oldest that are over are forgotten first. */
const LIMIT = 10_000;

/** The builds of one agent that are tracked, by the name of their adaptor. */
export class TrackedBuilds implements Iterable<TrackedBuild> {
  readonly #builds = new Map<string, TrackedBuild>();

  /** @param make a build that is not tracked yet */
  constructor(private readonly make: (address: DataAddress) => TrackedBuild) {}

  get size(): number {
    return this.#builds.size;
  }

  /** Builds whose end has not been emitted, or for which followers wait. */
  get live(): readonly TrackedBuild[] {
    return [...this].filter(isLive);
  }

  /** Live builds that nothing was heard of since that time. */
  silentSince(time: number): readonly TrackedBuild[] {
    return this.live.filter(({ heardAt }) => heardAt <= time);
  }

  [Symbol.iterator](): IterableIterator<TrackedBuild> {
    return this.#builds.values();
  }

  get({ objectName }: DataAddress): TrackedBuild | undefined {
    return this.#builds.get(objectName);
  }

  /** The build of that address, new if need be. */
  of(address: DataAddress): TrackedBuild {
    const known = this.get(address);
    if (known !== undefined) return known;
    const build = this.make(address);
    this.#builds.set(address.objectName, build);
    if (this.#builds.size > LIMIT) this.#forgetOne();
    return build;
  }

  forget(build: TrackedBuild): void {
    if (this.get(build.address) === build) this.#builds.delete(build.address.objectName);
    build.drop();
  }

  /** Forgets builds that are over and that the agent no longer keeps. */
  keep(addresses: readonly DataAddress[]): void {
    const kept = new Set(addresses.map(({ objectName }) => objectName));
    for (const build of this) if (!kept.has(build.address.objectName) && !isLive(build)) this.forget(build);
  }

  /** Followed builds stay, however many they are. */
  #forgetOne(): void {
    const unfollowed = [...this].filter(build => !build.isFollowed);
    const one = unfollowed.find(build => !isLive(build)) ?? unfollowed[0];
    if (one !== undefined) this.forget(one);
  }
}

function isLive(build: TrackedBuild): boolean {
  return build.isLive || (build.isFollowed && build.isRunning);
}
