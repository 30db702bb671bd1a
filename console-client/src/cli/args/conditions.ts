import type { FieldCondition } from '../../index.js';
import { usageError } from '../errors.js';

const condition = /^([\w.]+)(!=|<=|>=|[=<>~])(.*)$/s;

/**
 * `FIELD=VALUE` and its like, as the query of records takes them. Nothing after the sign stands for "has no value".
 *
 * @throws CliError usage
 */
export function conditionsIn(texts: readonly string[]): Readonly<Record<string, FieldCondition>> {
  const fields = new Map<string, Map<string, string | null>>();
  for (const text of texts) {
    const [, field, sign, value] = condition.exec(text) ?? [];
    if (field === undefined || sign === undefined || value === undefined)
      throw usageError(
        `--where: '${text}' is no condition`,
        'write FIELD, one of = != < <= > >= ~, and VALUE, such as target=mock',
      );
    const operators = fields.get(field) ?? new Map<string, string | null>();
    fields.set(field, operators);
    if (operators.has(sign))
      throw usageError(`--where: ${field} has two conditions with ${sign}`, 'give one of them');
    operators.set(sign, value === '' ? null : value);
  }
  return Object.fromEntries([...fields].map(([field, operators]) => [field, Object.fromEntries(operators)]));
}
