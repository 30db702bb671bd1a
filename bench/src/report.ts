import type { Comparison, Line, Memory } from './cases.js';

/** The results for people. */
export function formatTable(lines: readonly Line[]): string {
  const comparisons = lines.filter(line => line.kind === 'comparison');
  const memory = lines.filter(line => line.kind === 'memory');
  const parts: string[] = [];
  if (comparisons.length > 0) {
    parts.push(table([['case', 'QMF', 'bare rhea', 'ratio', 'goal'], ...comparisons.map(comparisonCells)]));
  }
  if (memory.length > 0) {
    const title = `resident MiB, ${memory[0]?.events ?? 0} events`;
    parts.push(table([[title, 'before', 'after', 'growth'], ...memory.map(memoryCells)]));
  }
  return parts.join('\n\n');
}

function comparisonCells({ what, unit, qmf, bare, ratio, goal }: Comparison): string[] {
  const verdict = goal === undefined ? '' : `${goal.text}: ${goal.met ? 'met' : 'missed'}`;
  return [what, quantity(qmf, unit), quantity(bare, unit), ratio.toFixed(2), verdict];
}

function memoryCells({ role, before, after }: Memory): string[] {
  return [role, mebibytes(before), mebibytes(after), mebibytes(after - before)];
}

function quantity(value: number, unit: Comparison['unit']): string {
  return unit === 'ms' ? `${value.toFixed(3)} ms` : `${Math.round(value)}/s`;
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** The first column flush left, figures flush right, words in the last column flush left. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  );
  return rows
    .map(row =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column === 0 || column === 4 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
