/** A package that is installed in an image. */
export interface InstalledPackage {
  readonly name: string;
  /** In full, as the package manager writes it. */
  readonly version: string;
  /** In the words of the package manager: `amd64`, `all`. */
  readonly arch: string;
  /** Who manages it, in the words of package URLs: `deb`, `rpm`, `generic`. */
  readonly type: string;
  /** Who made it, in the words of package URLs: `debian`. */
  readonly vendor?: string;
}
