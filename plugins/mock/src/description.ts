import type { Template } from '@imagefactory/plugin-api';

/**
 * The body of a mock image: four lines in the manner of Deltacloud's mock driver, which is what the original factory wrote.
 * The same template gives the same bytes.
 */
export function describe(template: Template): string {
  const lines: readonly (readonly [string, string])[] = [
    ['description', template.description ?? ''],
    ['name', template.name],
    ['owner_id', 'fedoraproject'],
    ['architecture', template.os?.arch ?? 'x86_64'],
  ];
  return lines.map(([key, value]) => `:${key}: ${scalar(value)}\n`).join('');
}

/** A YAML scalar on one line: plain where that is safe, else in double quotes. */
function scalar(value: string): string {
  return /^[A-Za-z][\w ./-]*\w$/.test(value) ? value : JSON.stringify(value);
}
