/** What a caller said of a provider or its credentials makes no sense; the text quotes nothing that may be a secret. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  constructor(
    readonly argument: 'providers' | 'provider' | 'credentials',
    message: string,
  ) {
    super(message);
  }
}
