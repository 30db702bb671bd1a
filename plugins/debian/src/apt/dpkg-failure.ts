/** A package that dpkg could not unpack, configure or remove. */
export interface DpkgFailure {
  readonly package: string;
  /** One line: what the package's script said last, and what dpkg says of it. */
  readonly reason: string;
}

/** Lines of dpkg and apt that say how far they are. */
const progressLine =
  /^(?:Setting up|Unpacking|Preparing to unpack|Selecting previously|Processing triggers|\(Reading database|Removing|Purging|Get:|Fetched|Created symlink|Extracting templates)/;

/** Finds in the output of apt, dpkg or mmdebstrap, as it comes, the first package that fails, and why. */
export class DpkgReader {
  #before = '';
  #failure: { package: string; said: string; verdict: string } | undefined;

  line(text: string): void {
    const failed = /^dpkg(?:-deb)?: error processing (?:package|archive) (\S+)/.exec(text);
    if (failed !== null) {
      this.#failure ??= { package: nameOf(failed[1] ?? ''), said: this.#before, verdict: '' };
    } else if (this.#failure?.verdict === '' && text.startsWith(' ')) this.#failure.verdict = text.trim();
    if (text.trim() !== '') this.#before = progressLine.test(text) ? '' : text.trim();
  }

  /** Undefined while no package has failed. */
  get failure(): DpkgFailure | undefined {
    if (this.#failure === undefined) return undefined;
    const { package: name, said, verdict } = this.#failure;
    const reason = [said, verdict].filter(text => text !== '').join('; ');
    return { package: name, reason: reason === '' ? 'dpkg does not say why' : reason };
  }
}

/** Of an archive dpkg gives the path: `/var/cache/apt/archives/NAME_VERSION_ARCH.deb`. */
function nameOf(word: string): string {
  const file = /([^/]+)\.deb$/.exec(word)?.[1];
  return file === undefined ? word.replace(/:[a-z0-9]+$/, '') : (file.split('_')[0] ?? file);
}
