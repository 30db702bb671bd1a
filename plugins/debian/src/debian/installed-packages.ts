import { type BuildLog, type InstalledPackage, isBuildError, type Sandbox } from '@imagefactory/plugin-api';

const format = '${db:Status-Status}\\t${binary:Package}\\t${Version}\\t${Architecture}\\n';

/** What the guest's dpkg says is installed; undefined when it says nothing, which is no reason to fail a build. */
export async function installedPackages(
  sandbox: Sandbox,
  tree: string,
  log: BuildLog,
): Promise<readonly InstalledPackage[] | undefined> {
  try {
    const { stdout } = await sandbox.guest(tree, 'dpkg-query', ['--show', `--showformat=${format}`], {
      label: 'listing the packages',
    });
    return parsePackages(stdout);
  } catch (error) {
    if (!isBuildError(error) || (error.code !== 'tool_failed' && error.code !== 'tool_missing')) throw error;
    log.warn(`the image gets no list of its packages: ${error.message}`);
    return undefined;
  }
}

export function parsePackages(output: string): readonly InstalledPackage[] {
  return output.split('\n').flatMap(line => {
    const [status, name, version, arch] = line.split('\t');
    if (status !== 'installed' || name === undefined || version === undefined || arch === undefined)
      return [];
    // dpkg adds the architecture to names of which several may be installed.
    return [{ name: name.replace(/:.*$/, ''), version, arch, type: 'deb', vendor: 'debian' }];
  });
}
