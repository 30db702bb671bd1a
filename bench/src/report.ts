import type { Comparison, Duration, Goal, Line, Memory } from './cases/index.js';

/**
 * The results for people.
 *
 * @param bare what stands beside QMF
 */
export function formatTable(lines: readonly Line[], bare: string): string {
  const comparisons = lines.filter(line => line.kind === 'comparison');
  const durations = lines.filter(line => line.kind === 'duration');
  const memory = lines.filter(line => line.kind === 'memory');
  const parts: string[] = [];
  if (comparisons.length > 0) {
    parts.push(table([['case', 'QMF', bare, 'ratio', 'goal'], ...comparisons.map(comparisonCells)]));
  }
  if (durations.length > 0) {
    parts.push(table([['case', 'median', 'longest', '', 'goal'], ...durations.map(durationCells)]));
  }
  for (const over of new Set(memory.map(line => line.over))) {
    const rows = memory.filter(line => line.over === over).map(memoryCells);
    parts.push(table([[`resident MiB, ${over}`, 'start', 'after a tenth', 'end', 'goal'], ...rows]));
  }
  return parts.join('\n\n');
}

function comparisonCells({ what, unit, qmf, bare, ratio, goal }: Comparison): string[] {
  return [what, quantity(qmf, unit), quantity(bare, unit), ratio.toFixed(2), verdict(goal)];
}

function durationCells({ what, median, longest, goal }: Duration): string[] {
  return [what, milliseconds(median), milliseconds(longest), '', verdict(goal)];
}

function memoryCells({ role, start, tenth, end, goal }: Memory): string[] {
  return [role, mebibytes(start), mebibytes(tenth), mebibytes(end), verdict(goal)];
}

function verdict(goal: Goal | undefined): string {
  return goal === undefined ? '' : `${goal.text}: ${goal.met ? 'met' : 'missed'}`;
}

function quantity(value: number, unit: Comparison['unit']): string {
  return unit === 'ms' ? `${value.toFixed(3)} ms` : `${Math.round(value)}/s`;
}

const milliseconds = (time: number): string => `${time < 10 ? time.toFixed(2) : Math.round(time)} ms`;

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
