// Colours and signs of one output stream. chalk lives here only, and is loaded only where colour is shown.

export interface Theme {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly odd: (text: string) => string;
  /** The reader sees more than ASCII. */
  readonly unicode: boolean;
  readonly mark: {
    readonly pass: string;
    readonly warn: string;
    readonly fail: string;
    readonly inconclusive: string;
    readonly skip: string;
    readonly arrow: string;
  };
}

export interface Looks {
  readonly color: boolean;
  readonly unicode: boolean;
}

/** Colour by stream: a pipe beside a terminal stays plain. chalk itself ignores NO_COLOR, so this decides. */
export function looksOf(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
  flags: { color: boolean; noColor: boolean },
): Looks {
  const forced =
    flags.color ||
    (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '' && env['FORCE_COLOR'] !== '0');
  const refused =
    flags.noColor || Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb' || env['FORCE_COLOR'] === '0';
  return {
    color: !flags.noColor && (forced || (!refused && stream.isTTY === true)),
    unicode: unicodeOf(env),
  };
}

/** Does the locale say UTF-8? */
export function unicodeOf(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

const asciiForms: Readonly<Record<string, string>> = {
  '’': "'",
  '…': '...',
  '–': '-',
  '·': '|',
  '→': '->',
};

/** A line in the letters its reader can see: our own signs have an ASCII form. */
export function letters(line: string, unicode: boolean): string {
  return unicode ? line : line.replace(/[’…–·→]/g, (sign) => asciiForms[sign] ?? sign);
}

/**
 * A line for a stream: besides colours of ours, where there are any, no control character gets through. Paths and
 * commands of strangers stand in it.
 */
export function tame(line: string, looks: Looks): string {
  const plain = line.replace(/\x1b\[\d{1,2}m|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (found) =>
    looks.color && found.length > 1
      ? found
      : found.replace(/[\x00-\x1f\x7f-\x9f]/, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
  );
  return letters(plain, looks.unicode);
}

const unicodeMarks = { pass: '✔', warn: '!', fail: '✖', inconclusive: '?', skip: '–', arrow: '→' };
const asciiMarks = { pass: 'ok', warn: '!', fail: 'X', inconclusive: '?', skip: '-', arrow: '->' };

/** The theme for these looks. Meaning never rests on colour: every answer has its own sign and word too. */
export async function themeOf(looks: Looks): Promise<Theme> {
  const { unicode } = looks;
  const mark = unicode ? unicodeMarks : asciiMarks;
  const plain = (text: string): string => text;
  if (!looks.color) return { bold: plain, dim: plain, good: plain, bad: plain, odd: plain, unicode, mark };
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return {
    bold: chalk.bold,
    dim: chalk.dim,
    good: chalk.green,
    bad: chalk.red,
    odd: chalk.yellow,
    unicode,
    mark,
  };
}
