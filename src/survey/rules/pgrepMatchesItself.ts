// `pgrep -f worker || start`: the shell that cron started has the same words on its command line.
import { readable } from '../../change/encode.ts';
import { baseName } from '../../command/paths.ts';
import type { Simple } from '../../command/syntax.ts';
import { anyOf, type EntryRule } from './rule.ts';

export const pgrepMatchesItself: EntryRule = {
  code: 'pgrep-matches-itself',
  gate: anyOf('pgrep'),
  check({ syntax, shell, entry }) {
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    const cronsShell = `${shell} -c ${entry.command.text}`;
    return flat.commands.flatMap((command) => {
      if (baseName(command.name?.value ?? '') !== 'pgrep') return [];
      const pattern = patternOf(command);
      if (pattern === undefined || !matches(pattern.value, cronsShell)) return [];
      // A shell makes room for the last command of its text, which is then alone.
      if (command.joint === 'end' && command.depth === 0) return [];
      return [
        {
          at: pattern.span,
          args: { pattern: readable(pattern.value), better: better(pattern.value, cronsShell) },
        },
      ];
    });
  },
};

const VALUED = new Set(
  '-d -g -G -P -s -t -u -U -F -r --delimiter --pgroup --group --parent --session --terminal --euid --uid --pidfile --runstates --ns --nslist --signal'.split(
    ' ',
  ),
);

/** The pattern of a `pgrep -f` that need not fit the whole command line. */
function patternOf({ args }: Simple): Simple['args'][number] | undefined {
  let full = false;
  let found: Simple['args'][number] | undefined;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (word === undefined) break;
    const { raw } = word;
    if (VALUED.has(raw)) at++;
    else if (/^-[A-Za-z]+$/.test(raw)) {
      if (raw.includes('x')) return undefined;
      full ||= raw.includes('f');
    } else if (raw === '--exact') return undefined;
    else if (raw === '--full') full = true;
    else if (!raw.startsWith('-')) found = word;
  }
  return full && found?.open === false ? found : undefined;
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false; // no regular expression of ours: nothing is claimed
  }
}

/** The first letter in brackets: a pattern that does not match itself, where its words stand nowhere else on the line. */
function better(pattern: string, text: string): string {
  const bracketed = pattern.replace(/[A-Za-z0-9]/, (letter) => `[${letter}]`);
  return pattern.includes('[') || matches(bracketed, text) ? '' : readable(bracketed);
}
