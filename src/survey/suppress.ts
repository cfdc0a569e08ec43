// Comments that say why a finding is meant: `# cronlatch-ignore: rule -- why` above a line, or for the whole file. Pure.
import { readable } from '../change/encode.ts';
import type { Crontab, Line } from '../crontab/crontab.ts';
import { columnsOf } from './columns.ts';
import type { Finding } from './facts.ts';
import { isRule, levels, type RuleCode } from './rules/levels.ts';

/** A finding that a comment speaks for. */
export interface Suppressed {
  readonly finding: Finding;
  readonly reason: string;
  /** The line of the comment. */
  readonly by: number;
}

/** What is left of the findings of one crontab, what a comment speaks for, and what is wrong with such comments. */
export interface Settled {
  readonly kept: readonly Finding[];
  readonly suppressed: readonly Suppressed[];
}

interface Suppression {
  readonly line: number;
  /** The line it is about; 'file' for all of them. */
  readonly about: number | 'file' | 'nothing';
  readonly rules: readonly { readonly code: string; readonly column: number; readonly endColumn: number }[];
  readonly reason: string;
}

const COMMENT = /^([ \t]*#[ \t]*cronlatch-ignore(-file)?[ \t]*:[ \t]*)(.*)$/;

/**
 * Takes out what comments of the crontab speak for. What cron does not load at all is never taken out, since then no
 * entry runs, whatever the comment says; a comment without a reason takes out nothing.
 */
export function suppress(source: string, crontab: Crontab, findings: readonly Finding[]): Settled {
  // Nearly no crontab has one.
  if (!crontab.text.includes('cronlatch-ignore')) return { kept: findings, suppressed: [] };
  const suppressions = suppressionsIn(crontab);
  const kept: Finding[] = [];
  const suppressed: Suppressed[] = [];
  const used = new Set<string>();
  const refused = new Set<string>();
  for (const finding of findings) {
    const by = suppressions.find(
      ({ about, rules, reason }) =>
        reason !== '' &&
        (about === 'file' || (about !== 'nothing' && about === finding.where?.line)) &&
        rules.some(({ code }) => code === finding.code),
    );
    if (by === undefined) kept.push(finding);
    else if (finding.level === 'stop') {
      kept.push(finding);
      refused.add(`${by.line} ${finding.code}`);
    } else {
      suppressed.push({ finding, reason: by.reason, by: by.line });
      used.add(`${by.line} ${finding.code}`);
    }
  }
  for (const { line, rules, reason } of suppressions) {
    const say = (code: RuleCode, rule: string, columns: object): void => {
      kept.push({ level: levels[code], code, where: { source, line, ...columns }, args: { rule } });
    };
    if (rules.length === 0) say('suppression-unknown', '', {});
    for (const { code, ...columns } of rules) {
      const key = `${line} ${code}`;
      if (!isRule(code)) say('suppression-unknown', code, columns);
      else if (reason === '') say('suppression-unexplained', code, columns);
      else if (refused.has(key)) say('suppression-refused', code, columns);
      else if (!used.has(key)) say('suppression-unused', code, columns);
    }
  }
  return { kept, suppressed };
}

function suppressionsIn(crontab: Crontab): Suppression[] {
  const { lines, text } = crontab;
  const found: Suppression[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.is !== 'comment') continue;
    const start = line.span.start;
    const match = COMMENT.exec(text.slice(start, line.span.end).replace(/\r?\n?$/, ''));
    if (match === null) continue;
    const [, head = '', whole, rest = ''] = match;
    const dashes = /(?:^|[ \t])--(?=[ \t]|$)/.exec(rest);
    const named = dashes === null ? rest : rest.slice(0, dashes.index);
    const reason = dashes === null ? '' : rest.slice(dashes.index + dashes[0].length);
    const rules = [...named.matchAll(/[^\s,]+/g)].map(({ 0: code, index: at }) => {
      const from = start + head.length + at;
      return { code: readable(code), ...columnsOf(crontab, { start: from, end: from + code.length }) };
    });
    const about = whole === undefined ? lineBelow(lines, index) : 'file';
    found.push({ line: line.number, about, rules, reason: readable(reason.trim()) });
  }
  return found;
}

/** The next line that is no comment, when no blank line comes between. */
function lineBelow(lines: readonly Line[], index: number): number | 'nothing' {
  const below = lines.slice(index + 1).find(({ is }) => is !== 'comment');
  return below === undefined || below.is === 'blank' ? 'nothing' : below.number;
}
