// Facts → findings: the rules are asked, and what they say gets its place and level. Pure; the rules are in rules/.

import type { Crontab, EntryLine, Mark } from '../crontab/crontab.ts';
import { offsetOf } from '../crontab/escape.ts';
import type { Seen } from '../server/server.ts';
import { columnsOf } from './columns.ts';
import type { Finding, Level } from './facts.ts';
import { entryRules, fileRules, jobRules } from './rules/all.ts';
import { isRule, levels } from './rules/levels.ts';
import type { BareJob, EntryView, FileView, Hit } from './rules/rule.ts';

/** Findings about the file as a whole and about lines that are no entries. */
export function crontabFindings(source: string, view: FileView): Finding[] {
  const { crontab } = view;
  const found = crontab.marks.map((mark) => ofMark(source, crontab, mark, 0));
  for (const line of crontab.lines) {
    if (line.is === 'entry') continue;
    for (const mark of line.marks) found.push(ofMark(source, crontab, mark, line.number));
  }
  if (!crontab.accepted) {
    found.push({
      level: 'stop',
      code: 'crontab-ignored',
      where: { source, line: 0 },
      args: { dialect: crontab.dialect, line: refusedLine(crontab) },
    });
  }
  for (const rule of fileRules) {
    for (const { line = 0, span, level = levels[rule.code], args = {} } of rule.check(view)) {
      const columns = span === undefined ? {} : columnsOf(crontab, span);
      found.push({ level, code: rule.code, where: { source, line, ...columns }, args });
    }
  }
  return found;
}

/** The first line that is refused; 0 where it is the file as a whole. */
function refusedLine({ lines }: Crontab): number {
  return lines.find(({ marks }) => marks.some(({ level }) => level === 'refuse'))?.number ?? 0;
}

/** Findings about one entry's schedule, user and command text. */
export function entryFindings(source: string, view: EntryView): Finding[] {
  const { entry, crontab } = view;
  const found = entry.marks.map((mark) => ofMark(source, crontab, mark, entry.number));
  const { text } = entry.command;
  for (const { code, gate, check } of entryRules) {
    if (gate !== undefined && !gate.test(text)) continue;
    for (const hit of check(view))
      found.push({
        level: hit.level ?? levels[code],
        code,
        where: { source, line: entry.number, ...placeOf(crontab, entry, hit) },
        args: hit.args ?? {},
      });
  }
  return found;
}

/** Findings about one worker entry, those that forbid latching it apart. */
export function jobFindings(
  job: BareJob,
  paths: ReadonlyMap<string, Seen>,
): { obstacles: Finding[]; findings: Finding[] } {
  const obstacles: Finding[] = [];
  const findings: Finding[] = [];
  for (const { code, check } of jobRules) {
    const hit = check(job, paths);
    if (hit === 'fine') continue;
    const finding = {
      level: hit.level ?? levels[code],
      code,
      where: {
        source: job.sourceName,
        line: job.line,
        ...placeOf(job.crontab, job.entry, outside(job, hit)),
      },
      args: hit.args ?? {},
    };
    findings.push(finding);
    if (hit.obstacle) obstacles.push(finding);
  }
  return { obstacles, findings };
}

/** A spot in the string of an inner shell is shown as that string: its own offsets say nothing about the line. */
function outside({ command }: BareJob, hit: Hit): Hit {
  const word = command.frames[0]?.word;
  return word === undefined || hit.at === undefined ? hit : { ...hit, at: word.span };
}

/** A spot of the command's text, a spot of the file, or the whole command. */
function placeOf(
  crontab: Crontab,
  { command, commandSpan }: EntryLine,
  { at, span }: Hit,
): { column: number; endColumn: number } {
  if (at === undefined) return columnsOf(crontab, span ?? commandSpan);
  return columnsOf(crontab, { start: offsetOf(command, at.start), end: offsetOf(command, at.end) });
}

function ofMark(source: string, crontab: Crontab, mark: Mark, line: number): Finding {
  const { code, args } = renamed(mark);
  const usual: Level = isRule(code) ? levels[code] : 'warn';
  return {
    level: mark.level === 'refuse' ? 'stop' : usual,
    code,
    where: { source, line, ...(line === 0 ? {} : columnsOf(crontab, mark.span)) },
    args,
  };
}

/** `5~10` on Debian is junk to cron and a random time to whoever wrote it. */
function renamed(mark: Mark): Pick<Mark, 'code' | 'args'> {
  const random = mark.code === 'junk-in-field' && String(mark.args['junk']).startsWith('~');
  return random ? { code: 'random-on-debian', args: mark.args } : mark;
}

const order: readonly Level[] = ['note', 'warn', 'stop'];

/** Is a finding of this level or above among them? */
export function reaches(findings: readonly Finding[], level: Level): boolean {
  return findings.some((f) => order.indexOf(f.level) >= order.indexOf(level));
}
