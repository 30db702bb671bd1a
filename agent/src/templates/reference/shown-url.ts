/** A URL for people: without user, password, query and fragment, where secrets are. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return 'the URL';
  const { protocol, host, pathname, search } = new URL(text);
  const whole = `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
  return whole.length > 200 ? `${whole.slice(0, 199)}…` : whole;
}
