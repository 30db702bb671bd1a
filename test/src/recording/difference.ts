/** Lines of context before and after a difference. */
const CONTEXT = 2;
/** Lines that are shown at most. */
const LIMIT = 120;

/** What a line of a recording belongs to. */
interface Place {
  readonly stream: string;
  readonly message: number;
}

interface Step {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
  readonly place: Place;
}

/** The lines that differ in two recordings, with their stream and the number of their message in it; none if they are equal. */
export function difference(before: string, after: string): string[] {
  if (before === after) return [];
  const steps = stepsBetween(placed(before), placed(after));
  const shown: string[] = [];
  let title = '';
  for (const hunk of hunksOf(steps)) {
    const { stream, message } = hunk.find(({ sign }) => sign !== ' ')?.place ?? head;
    const here = `  ${stream}, message ${message}:`;
    if (here !== title) shown.push(here);
    title = here;
    shown.push(...hunk.map(({ sign, line }) => `  ${sign} ${line}`));
  }
  return shown.length <= LIMIT
    ? shown
    : [...shown.slice(0, LIMIT), `  … and ${shown.length - LIMIT} further lines`];
}

/** The changed lines, each group with its context. */
function hunksOf(steps: readonly Step[]): Step[][] {
  const hunks: Step[][] = [];
  let last = -1;
  for (const [index, step] of steps.entries()) {
    const around = steps.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1);
    if (around.every(({ sign }) => sign === ' ')) continue;
    if (index !== last + 1 || hunks.length === 0) hunks.push([]);
    hunks.at(-1)?.push(step);
    last = index;
  }
  return hunks;
}

interface PlacedLine {
  readonly line: string;
  readonly place: Place;
}

const head: Place = { stream: 'head', message: 0 };

/** The layout of recordings: a stream's title and its messages begin at known indentations. */
const title = /^ {6}"(?:from|to|object)": "(.*)",?$/;
const ofStream = /^ {4}\{|^ {4}\{ "from"/;
const ofMessage = /^ {8}\{/;

function placed(text: string): PlacedLine[] {
  let place = head;
  return text.split('\n').map(line => {
    const [, name] = title.exec(line) ?? [];
    if (ofStream.test(line)) place = { stream: '', message: 0 };
    else if (name !== undefined)
      place = { stream: [place.stream, name].filter(Boolean).join(' → '), message: 0 };
    else if (ofMessage.test(line)) place = { ...place, message: place.message + 1 };
    return { line, place };
  });
}

/** The shortest way from one list of lines to the other, by their longest common subsequence. */
function stepsBetween(before: readonly PlacedLine[], after: readonly PlacedLine[]): Step[] {
  const start = commonLength(before, after);
  const end = commonLength([...before.slice(start)].reverse(), [...after.slice(start)].reverse());
  const one = before.slice(start, before.length - end);
  const other = after.slice(start, after.length - end);
  const lengths = Array.from({ length: one.length + 1 }, () => new Uint16Array(other.length + 1));
  const at = (row: number, column: number): number => lengths[row]?.[column] ?? 0;
  for (let row = one.length - 1; row >= 0; row--)
    for (let column = other.length - 1; column >= 0; column--) {
      const length =
        one[row]?.line === other[column]?.line
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
      lengths[row]?.fill(length, column, column + 1);
    }
  const steps: Step[] = after.slice(0, start).map(line => ({ sign: ' ', ...line }));
  let [row, column] = [0, 0];
  while (row < one.length || column < other.length) {
    const [left, right] = [one[row], other[column]];
    if (left !== undefined && left.line === right?.line) {
      steps.push({ sign: ' ', ...right });
      row++;
      column++;
    } else if (left !== undefined && (right === undefined || at(row + 1, column) >= at(row, column + 1))) {
      steps.push({ sign: '-', ...left });
      row++;
    } else if (right !== undefined) {
      steps.push({ sign: '+', ...right });
      column++;
    }
  }
  return [...steps, ...after.slice(after.length - end).map(line => ({ sign: ' ' as const, ...line }))];
}

function commonLength(one: readonly PlacedLine[], other: readonly PlacedLine[]): number {
  const length = one.findIndex(({ line }, index) => line !== other[index]?.line);
  return length < 0 ? Math.min(one.length, other.length) : length;
}
