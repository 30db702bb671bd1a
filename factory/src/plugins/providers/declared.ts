import type { CloudPlugin, Credentials, Provider } from '@imagefactory/plugin-api';
import { schemaProblems } from '../schemas.js';
import { ProviderError } from './provider-error.js';

/**
 * Holds a provider's definition and the credentials to what the plugin declares, so that no job starts which they would fail.
 *
 * @throws ProviderError that names the fields; it quotes no value
 */
export function assertDeclared(
  { name, providers }: CloudPlugin,
  provider: Provider,
  credentials: Credentials,
): void {
  if (providers?.definition !== undefined && provider.definition !== undefined) {
    // The name and the target are the caller's way to name it.
    const fields = Object.fromEntries(
      Object.entries(provider.definition).filter(([field]) => field !== 'name' && field !== 'target'),
    );
    const problems = schemaProblems(providers.definition, fields);
    if (problems.length > 0)
      throw new ProviderError('providers', `a definition for ${name}: ${problems.join('; ')}`);
  }
  if (providers?.credentials === undefined) return;
  const { kind, fields } = providers.credentials;
  const given = credentials.of(kind);
  const form = `give <provider_credentials><${kind}_credentials>…</${kind}_credentials></provider_credentials>`;
  if (given === undefined) {
    const kinds = credentials.kinds.length === 0 ? 'none' : credentials.kinds.join(', ');
    throw new ProviderError('credentials', `${name} takes ${kind} credentials, ${kinds} given; ${form}`);
  }
  const problems = schemaProblems(fields, given);
  if (problems.length > 0)
    throw new ProviderError('credentials', `the ${kind} credentials: ${problems.join('; ')}; ${form}`);
}
