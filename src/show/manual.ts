// The manual page, made from the same table as --help when the program is built (scripts/build.mjs). Pure.
import { type CommandRow, commands, ofWizard } from '../cli/commands.ts';
import { everywhere, type Flag } from '../cli/flags.ts';

/** The page in roff's man macros; `date` as 2026-11-24. */
export function manual(version: string, date: string): string {
  return `${[
    `.TH CRONLATCH 1 "${date}" ${quoted(`cronlatch ${version}`)} "User Commands"`,
    '.SH NAME',
    text('cronlatch - one instance of every cron worker, and a way back'),
    '.SH SYNOPSIS',
    '.nf',
    '.nh',
    '.B cronlatch',
    ...commands.flatMap(({ usage }) => [bold(usage)]),
    '.fi',
    '.SH DESCRIPTION',
    text('Without a command cronlatch is a wizard: it needs a terminal and asks before it changes anything.'),
    '.PP',
    text('SOURCE is --file PATH, --user NAME or --site DOMAIN; without one, all that this user may see.'),
    ...commands.flatMap(section),
    '.SH FLAGS OF ALL COMMANDS',
    ...everywhere.flatMap(item),
    '.SH "THE WIZARD"',
    text(
      'Without a command, on a terminal. It takes the flags of deploy, too, and does not ask what they say.',
    ),
    ...ofWizard.flatMap(item),
    '.SH EXIT STATUS',
    ...exits.flatMap(([code, means]) => ['.TP', `.B ${code}`, text(means)]),
    '.SH FILES',
    '.TP',
    '.I /var/lib/cronlatch',
    text('journals of what root has deployed; of other users in their XDG state directory'),
    '.SH SEE ALSO',
    '.BR crontab (5),',
    '.BR flock (1)',
  ].join('\n')}\n`;
}

const exits: readonly (readonly [string, string])[] = [
  ['0', 'done, or nothing to do'],
  ['1', 'failed or declined; the server is as before'],
  ['2', 'usage, or an answer is missing and there is nobody to ask'],
  ['3', 'done, but a check failed or a scan found something'],
  ['4', 'half done: the journal says where'],
  ['5', 'refused: locked, changed since the plan, unfinished, or a finding that stops'],
  ['6', 'inconclusive: it could not be measured'],
];

function section(row: CommandRow): string[] {
  return [
    `.SH ${quoted(row.name.toUpperCase())}`,
    text(`${row.what[0]?.toUpperCase()}${row.what.slice(1)}.`),
    ...row.flags.flatMap(item),
    '.PP',
    'Examples:',
    ...row.examples.flatMap(([line, says]) => ['.TP', bold(line), ...(says === '' ? ['\\&'] : [text(says)])]),
  ];
}

function item({ name, short, takes, help }: Flag): string[] {
  const value = takes === undefined ? '' : ` \\fI${escaped(takes)}\\fR`;
  const head = [
    ...(short === undefined ? [] : [`\\fB\\-${short}\\fR`]),
    `\\fB\\-\\-${escaped(name)}\\fR${value}`,
  ];
  return ['.TP', head.join(', '), text(help)];
}

const bold = (words: string): string => `\\fB${escaped(words)}\\fR`;
const quoted = (words: string): string => `"${escaped(words).replaceAll('"', '\\(dq')}"`;
/** A line of text must not begin like a macro. */
const text = (words: string): string => escaped(words).replace(/^[.']/, '\\&$&');

/** Everything roff would take for its own; letters beyond ASCII by their code points. */
function escaped(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(
      /[^\x00-\x7f]/gu,
      (c) => `\\[u${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
