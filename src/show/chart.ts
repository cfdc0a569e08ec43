// A chart of connections in letters: one column a stretch of time, the limit and the 60 % line in it, the first violation under it.

export interface ChartOf {
  /** Seconds since the beginning and the value there; null is a hole. */
  readonly points: readonly (readonly [second: number, value: number | 'refused' | null])[];
  /** Seconds that the chart covers. */
  readonly seconds: number;
  readonly limit: number | undefined;
  /** Columns and rows of the chart itself. */
  readonly width: number;
  readonly height: number;
  readonly unicode: boolean;
  /** Second of the first violation. */
  readonly violation: number | undefined;
}

interface Signs {
  readonly full: string;
  readonly parts: string;
  readonly limit: string;
  readonly line: string;
  readonly refused: string;
  readonly mark: string;
  /** Looked at, and none were there: that is not the same as a hole. */
  readonly none: string;
}

const letters: Signs = {
  full: '█',
  parts: '▁▂▃▄▅▆▇█',
  limit: '─',
  line: '┄',
  refused: '×',
  mark: '▲',
  none: '·',
};
const ascii: Signs = {
  full: '#',
  parts: ':::++###',
  limit: '-',
  line: '=',
  refused: 'x',
  mark: '^',
  none: '.',
};

/** The highest value of each column; 'none' where nothing is known. */
function columnsOf({ points, seconds, width }: ChartOf): (number | 'refused' | 'none')[] {
  const columns: (number | 'refused' | 'none')[] = Array.from({ length: width }, () => 'none');
  for (const [second, value] of points) {
    const at = Math.min(width - 1, Math.max(0, Math.floor((second * width) / Math.max(1, seconds))));
    const known = columns[at];
    if (value === null || known === 'refused') continue;
    columns[at] =
      value === 'refused' || known === 'none' || known === undefined ? value : Math.max(known, value);
  }
  return columns;
}

/** Rows of the chart, top first, each with its scale in front; the last one has the mark of the first violation. */
export function chartLines(of: ChartOf): string[] {
  const signs = of.unicode ? letters : ascii;
  const columns = columnsOf(of);
  const highest = Math.max(0, ...columns.filter((one): one is number => typeof one === 'number'));
  const top = Math.max(of.limit ?? 0, highest, 1);
  const height = Math.max(1, Math.min(of.height, top));
  const line = of.limit === undefined ? undefined : Math.ceil(0.6 * of.limit);
  const rowOf = (value: number): number => Math.max(1, Math.ceil((value * height) / top));
  const rows: string[] = [];
  for (let row = height; row >= 1; row--) {
    const isLimit = of.limit !== undefined && row === rowOf(of.limit);
    const isLine = line !== undefined && !isLimit && row === rowOf(line);
    const empty = isLimit ? signs.limit : isLine ? signs.line : ' ';
    const cells = columns.map((value) => {
      if (value === 'none') return empty;
      if (value === 'refused') return signs.refused;
      const fill = (value * height) / top - (row - 1);
      if (value === 0 && row === 1) return signs.none;
      if (fill <= 0) return empty;
      return fill >= 1 ? signs.full : (signs.parts[Math.max(0, Math.ceil(fill * 8) - 1)] ?? signs.full);
    });
    const scale = isLimit ? String(of.limit) : isLine ? String(line) : row === 1 ? '' : '';
    const name = isLimit ? ' limit' : isLine ? ' 60 %' : '';
    rows.push(`${scale.padStart(4)} ${cells.join('')}${name}`);
  }
  const mark =
    of.violation === undefined
      ? ''
      : `${' '.repeat(5 + Math.min(of.width - 1, Math.floor((of.violation * of.width) / Math.max(1, of.seconds))))}${signs.mark} first violation`;
  return [...rows, mark];
}
