import { InvalidArgumentError } from 'commander';
import { type Condition, operators, type Order } from '@imagefactory/factory/images';

/** `FIELD=VALUE` and its like; an empty value stands for none. @throws InvalidArgumentError */
export function parseCondition(text: string): Condition {
  const [, field = '', sign = '', value = ''] = /^([\w.]+)(!=|<=|>=|[=<>~])(.*)$/s.exec(text) ?? [];
  const operator = operators.find(one => one === sign);
  if (operator === undefined) {
    throw new InvalidArgumentError(
      `Give FIELD, one of ${operators.join(' ')}, and VALUE, such as target=mock.`,
    );
  }
  return { field, operator, value: value === '' ? null : value };
}

/** `FIELD`, or `-FIELD` for downwards. @throws InvalidArgumentError */
export function parseOrder(text: string): Order {
  const [, sign = '', field] = /^(-?)([\w.]+)$/.exec(text) ?? [];
  if (field === undefined)
    throw new InvalidArgumentError('Give the name of a field, such as created or -size.');
  return { field, descending: sign === '-' };
}

/** Control characters in what somebody else has chosen must not reach a terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** The lines of a longer text, indented; other control characters than the ends of lines become blanks. */
export function safeLines(text: string): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => `  ${line.replace(/\t/g, '    ').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')}`.trimEnd());
}

/** Columns as wide as they need to be. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  );
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('');
}

export function describeSize(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${units[unit] ?? ''}`;
}
