// One text as each cron reads it, and where they part.
import type { Bytes, Crontab, EntryLine, Line, SettingLine, Span } from './crontab.ts';
import { parseCrontab } from './parse.ts';
import { cronZone } from './settings.ts';

/** The crons whose rules are known here. */
export type Cron = 'debian12' | 'debian13' | 'cronie';

/**
 * What a daemon does with a file that nobody checked: one that a panel or a copy put in place. Debian's runs nothing of
 * a file with one fault in it; cronie's leaves out the faulty lines and runs `the-rest`.
 */
export type Running = 'everything' | 'nothing' | 'the-rest';

/** How two crons part over a line that both take. */
export type Parting =
  /** A setting to one, an entry to the other. */
  | 'kind'
  /** A setting's value (quotes, blanks, length). */
  | 'value'
  /** Random times and CRON_TZ count for cronie alone. */
  | 'times'
  /** The words the shell gets, or what stands on its standard input. */
  | 'command';

export interface LineVerdict {
  /** 1-based. */
  readonly line: number;
  readonly span: Span;
  /** The crons that refuse it; none for most lines. */
  readonly refusedBy: readonly Cron[];
  /** Debian 12 and cronie both take it and make something else of it. */
  readonly parting: Parting | 'none';
}

export interface Verdicts {
  readonly crontabs: Readonly<Record<Cron, Crontab>>;
  /** Would crontab(1) install it? (A system crontab is installed by nobody: see `running`.) */
  readonly accepted: Readonly<Record<Cron, boolean>>;
  readonly running: Readonly<Record<Cron, Running>>;
  /** The lines that not all crons read alike, and those refused by all. */
  readonly lines: readonly LineVerdict[];
}

/** What the daemon runs of a crontab that nobody checked before. */
export function running(crontab: Crontab): Running {
  const faulty = crontab.lines.some((line) => line.is === 'unreadable');
  if (crontab.dialect === 'cronie') return faulty ? 'the-rest' : 'everything';
  return faulty || crontab.marks.some((mark) => mark.level === 'refuse') ? 'nothing' : 'everything';
}

/**
 * Reads a crontab as Debian 12, Debian 13 and cronie do and tells the difference, line by line.
 *
 * @param system has a user column
 */
export function verdicts(text: Bytes, system: boolean): Verdicts {
  const crontabs: Record<Cron, Crontab> = {
    debian12: parseCrontab(text, { dialect: 'debian', system, release: 12 }),
    debian13: parseCrontab(text, { dialect: 'debian', system, release: 13 }),
    cronie: parseCrontab(text, { dialect: 'cronie', system }),
  };
  const of = <T>(say: (crontab: Crontab) => T): Record<Cron, T> => ({
    debian12: say(crontabs.debian12),
    debian13: say(crontabs.debian13),
    cronie: say(crontabs.cronie),
  });
  const rows = of(byNumber);
  const lines: LineVerdict[] = [];
  for (const [index, debian] of rows.debian12.entries()) {
    const readings = {
      debian12: debian,
      debian13: rows.debian13[index] ?? [],
      cronie: rows.cronie[index] ?? [],
    };
    const refusedBy = (['debian12', 'debian13', 'cronie'] as const).filter((cron) =>
      readings[cron].some((line) => line.is === 'unreadable'),
    );
    const parting =
      refusedBy.includes('debian12') || refusedBy.includes('cronie')
        ? 'none'
        : partingOf(readings.debian12, readings.cronie, crontabs.cronie);
    if (refusedBy.length === 0 && parting === 'none') continue;
    const span = { start: debian[0]?.span.start ?? 0, end: debian[debian.length - 1]?.span.end ?? 0 };
    lines.push({ line: index + 1, span, refusedBy, parting });
  }
  return { crontabs, accepted: of((crontab) => crontab.accepted), running: of(running), lines };
}

/** The Lines of each line: several where a NUL splits one. */
function byNumber(crontab: Crontab): readonly (readonly Line[])[] {
  const rows: Line[][] = [];
  for (const line of crontab.lines) {
    const row = rows[line.number - 1];
    if (row === undefined) rows.push([line]);
    else row.push(line);
  }
  return rows;
}

function partingOf(one: readonly Line[], other: readonly Line[], cronie: Crontab): Parting | 'none' {
  if (one.length !== other.length) return 'kind';
  for (const [index, line] of one.entries()) {
    const twin = other[index];
    if (line.is !== twin?.is) return 'kind';
    if (line.is === 'setting' && twin.is === 'setting' && !sameSetting(line, twin)) return 'value';
    if (line.is !== 'entry' || twin.is !== 'entry') continue;
    if (!sameTimes(line, twin, cronie)) return 'times';
    if (line.command.text !== twin.command.text || line.command.stdin !== twin.command.stdin)
      return 'command';
  }
  return 'none';
}

function sameSetting(one: SettingLine, other: SettingLine): boolean {
  return one.name === other.name && one.value === other.value;
}

/** A random time of cronie is never the same, though the value that stands for it may be. */
function sameTimes(one: EntryLine, other: EntryLine, cronie: Crontab): boolean {
  if (JSON.stringify(one.schedule) !== JSON.stringify(other.schedule)) return false;
  if (one.schedule.is === 'reboot') return true;
  return (
    cronZone(cronie, other.number) === undefined && !other.marks.some((mark) => mark.code === 'random-time')
  );
}
