import { escapeControls } from './escape.js';
import { type Painter, type Style, unpainted } from './style.js';
import { displayWidth, padTo, truncate } from './width.js';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Never cut: names that people copy. */
  readonly keep?: boolean;
  /** Of the cells; may depend on their text. */
  readonly style?: Style | ((text: string) => Style | undefined);
}

export interface TableOptions {
  /** Columns of the terminal; without it nothing is cut. */
  readonly width?: number | undefined;
  readonly paint?: Painter;
}

const GAP = 2;
const NARROWEST = 6;

/**
 * Lines of a table with a title row, aligned by display width. Control characters in titles and cells are escaped. Where the
 * width is bounded, the widest columns give way and cut cells end in `…`, except those to keep.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string[] {
  const paint = options.paint ?? unpainted;
  const cells = rows.map(row => columns.map((_, index) => escapeControls(row[index] ?? '')));
  const titles = columns.map(({ title }) => escapeControls(title));
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...cells].map(row => displayWidth(row[index] ?? ''))),
  );
  if (options.width !== undefined) shrink(widths, columns, options.width);
  const line = (row: readonly string[], styleOf: (index: number, text: string) => Style | undefined) =>
    row
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const shown = truncate(text, width);
        const isLast = index === row.length - 1;
        const align = columns[index]?.align ?? 'left';
        const padded = isLast && align === 'left' ? shown : padTo(shown, width, align);
        return paint(padded, styleOf(index, text));
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    line(titles, () => 'bold'),
    ...cells.map(row =>
      line(row, (index, text) => {
        const style = columns[index]?.style;
        return typeof style === 'function' ? style(text) : style;
      }),
    ),
  ];
}

function shrink(widths: number[], columns: readonly Column[], limit: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1));
  while (total() > limit) {
    const candidates = widths.map((width, index) => (columns[index]?.keep === true ? 0 : width));
    const widest = Math.max(...candidates);
    if (widest <= NARROWEST) return;
    widths[candidates.indexOf(widest)] = widest - 1;
  }
}
