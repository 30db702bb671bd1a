import { parsePlainJson } from '@imagefactory/text';

/** Allows some users some methods of some objects. In patterns `*` stands for any text. */
export interface AccessRule {
  /** User ids as the broker has checked them; one who gives none is `anonymous`. */
  readonly users: readonly string[];
  /** Names of methods; all when left out. */
  readonly methods?: readonly string[];
  /** Names of objects, such as `image_factory` or `build_adaptor*`; all when left out. */
  readonly objects?: readonly string[];
}

/** What a rule decides about. */
export interface Access {
  readonly user: string;
  readonly method: string;
  readonly object: string;
}

/** Whether a call may go ahead. */
export type AccessList = (access: Access) => boolean;

/** The name of callers without a user id. */
export const anonymous = 'anonymous';

/** Allows everything: what holds without a list. */
export const openAccess: AccessList = () => true;

/**
 * Reads an access list: `{"allow": [{"users": […], "methods": […], "objects": […]}, …]}`. What no rule allows is refused.
 *
 * @throws Error that names the entry which is wrong, and what is expected there
 */
export function readAccessList(text: string): AccessList {
  const parsed = parsePlainJson(text, 'it');
  const rules = entries(parsed, 'the list', ['allow'])['allow'];
  if (!Array.isArray(rules)) throw new Error('allow: a list of rules is expected');
  const tests = rules.map((rule: unknown, index) => readRule(rule, `allow[${index}]`));
  return access => tests.some(test => test(access));
}

function readRule(rule: unknown, where: string): AccessList {
  const known = entries(rule, where, ['users', 'methods', 'objects']);
  if (known['users'] === undefined)
    throw new Error(`${where}: users are missing; ["*"] stands for everybody`);
  const [user, method, object] = (['users', 'methods', 'objects'] as const).map(name =>
    matcher(known[name], `${where}.${name}`),
  );
  return access =>
    user?.(access.user) === true && method?.(access.method) === true && object?.(access.object) === true;
}

function entries(value: unknown, where: string, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${where}: an object with ${names.join(', ')} is expected`);
  }
  const unknown = Object.keys(value).find(name => !names.includes(name));
  // A misspelt word that is passed over would open what somebody meant to close.
  if (unknown !== undefined)
    throw new Error(`${where}: ${JSON.stringify(unknown)} is not known; there are ${names.join(', ')}`);
  // An object that is no array has text for keys.
  return value as Readonly<Record<string, unknown>>;
}

function matcher(patterns: unknown, where: string): (text: string) => boolean {
  if (patterns === undefined) return () => true;
  if (!Array.isArray(patterns) || !patterns.every(pattern => typeof pattern === 'string' && pattern !== '')) {
    throw new Error(`${where}: a list of names is expected, in which * stands for any text`);
  }
  const forms = patterns.map(pattern => {
    const parts = String(pattern).split('*');
    return new RegExp(`^${parts.map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');
  });
  return text => forms.some(form => form.test(text));
}
