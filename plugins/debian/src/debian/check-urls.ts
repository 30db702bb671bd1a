import { type BuildContext, type TemplateRepository, templateUrl } from '@imagefactory/plugin-api';
import { readRepository } from './repositories.js';
import { type ChosenSources, installElement } from '../apt/choose-sources.js';
import type { HostSource } from '../apt/host-sources.js';

/**
 * Holds all URLs that a build fetches from to the rule of the agent, before it begins.
 *
 * @returns URLs of the servers that the operator has configured, for the network of the sandbox
 * @throws BuildError `template_invalid` that names the element, the host and the remedy
 */
export async function checkUrls(
  { urls }: Pick<BuildContext, 'urls'>,
  sources: ChosenSources,
  repositories: readonly TemplateRepository[],
  host: readonly HostSource[],
): Promise<readonly string[]> {
  const configured = host.map(({ uri }) => uri).filter(uri => /^https?:/i.test(uri));
  const own = new Set(configured.map(uri => uri.replace(/\/+$/, '')));
  for (const uri of new Set(sources.build.map(source => source.uri))) {
    if (!own.has(uri)) await urls.check(templateUrl(uri, installElement), configured);
  }
  for (const repository of repositories)
    await urls.check(readRepository(repository, 'stable').url, configured);
  return configured;
}
