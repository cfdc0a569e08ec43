// The words of findings about a crontab's own grammar.
import type { RuleCode } from '../../survey/rules/levels.ts';
import type { Wording } from './wording.ts';

const why: Readonly<Record<string, string>> = {
  missing: 'it is missing',
  'not-a-number': 'neither a number nor a name',
  'out-of-range': 'out of its range',
  'step-without-range': 'a step needs a range or * before it',
  'zero-step': 'a step of 0',
  'bad-step': 'the step is no number',
  'trailing-junk': 'something stands behind what is understood',
  'byte-255': 'it holds the byte 255',
  'reversed-random': 'its range runs backwards',
};

export const crontabWordings = {
  'bad-field': {
    title: 'cron does not understand a time field',
    say: (a) => ({
      what: `cron does not understand the ${a['field']} field${a['text'] ? ` '${a['text']}'` : ''} (${why[a['why'] ?? ''] ?? 'it is not of cron’s grammar'}).`,
      fix: 'write five time fields, then the command',
    }),
  },
  'bad-nickname': {
    title: 'cron knows no such nickname',
    say: (a) => ({
      what: `cron knows no @${a['name']}: @reboot, @yearly, @monthly, @weekly, @daily, @midnight and @hourly are all there are.`,
      fix: 'write the five fields, or one of these in small letters',
    }),
  },
  'bad-flag': {
    title: 'cron knows no such flag before the command',
    say: (a) => ({
      what: `cronie takes ${a['flag']} in front of the command for a flag, and knows no such one.`,
      fix: 'take it away; -n (mail only on failure) is the only one, and stands there once',
    }),
  },
  'star-as-command': {
    title: 'A sixth time field where the command belongs',
    say: () => ({
      what: 'Five time fields are followed by a *: cron takes it for the command and refuses the line.',
      fix: 'cron knows no seconds and no years: write five fields',
    }),
  },
  'missing-command': {
    title: 'The line has no command',
    say: () => ({ what: 'The line ends before a command.', fix: 'write the command, or remove the line' }),
  },
  'missing-user': {
    title: 'A line of a system crontab has no user',
    say: () => ({
      what: 'A crontab of the system needs the user in the sixth column, and the line ends before it.',
      fix: 'write the user in front of the command',
    }),
  },
  'command-too-long': {
    title: 'The command is longer than cron accepts',
    say: (a) => ({
      what: `The command has ${a['length']} bytes; cron takes ${a['limit']}.`,
      fix: 'put it into a script, and start that',
    }),
  },
  'no-final-newline': {
    title: 'The last line has no newline',
    say: () => ({
      what: 'The last line has no newline: cron refuses the whole crontab.',
      fix: 'end the file with a newline',
    }),
  },
  'too-many-lines': {
    title: 'The crontab has more lines than cron reads',
    say: (a) => ({
      what: `The crontab has ${a['lines']} lines, comments included; Debian’s cron takes ${a['limit']}.`,
      fix: 'spread it over several users or files in /etc/cron.d',
    }),
  },
  'too-many-entries': {
    title: 'The crontab has more entries than cron reads',
    say: (a) => ({
      what: `cronie takes ${a['limit']} entries in one crontab.`,
      fix: 'spread them over several',
    }),
  },
  'too-many-settings': {
    title: 'The crontab has more settings than cron reads',
    say: (a) => ({ what: `cronie takes ${a['limit']} settings in one crontab.`, fix: 'remove some' }),
  },
  'too-much-comment': {
    title: 'More comment between two entries than cron reads',
    say: (a) => ({
      what: `More than ${a['limit']} bytes of comments and blank lines stand in a row: cronie refuses that.`,
      fix: 'shorten the comment',
    }),
  },
  'crontab-ignored': {
    title: 'cron does not load the crontab',
    say: (a) => ({
      what:
        a['dialect'] === 'debian'
          ? `cron ignores this whole crontab${a['line'] === '0' ? '' : ` because of line ${a['line']}`}: none of its entries run.`
          : `crontab(1) refuses this file${a['line'] === '0' ? '' : ` because of line ${a['line']}`}; cronie’s daemon, where the file is there already, skips what it refuses and runs the rest.`,
      fix: a['line'] === '0' ? 'see what is said of the file' : 'mend or remove the line',
    }),
  },
  'junk-in-field': {
    title: 'Debian’s cron skips part of a time field',
    say: (a) => ({
      what: `cron skips '${a['text'] ?? a['junk'] ?? ''}' in the ${a['field'] ?? 'time'} field without a word. cronie refuses the line.`,
      fix: 'write what is meant',
    }),
  },
  'random-on-debian': {
    title: 'A random time (~) that Debian’s cron does not know',
    say: (a) => ({
      what: `Debian’s cron knows no ~: it takes the number in front of '${a['junk']}' and skips the rest.`,
      fix: 'write one time, or put sleep in front of the command',
    }),
  },
  'reversed-range': {
    title: 'A range that runs backwards is empty',
    say: (a) => ({
      what: `${a['from']}-${a['to']} in the ${a['field']} field runs backwards: cron accepts it and takes nothing from it.`,
      fix: 'write two ranges with a comma, such as 22-23,0-6',
    }),
  },
  'step-beyond-range': {
    title: 'A step larger than its range',
    say: (a) => ({
      what: `The step of ${a['step']} in the ${a['field']} field is larger than its range: only the first value is left.`,
      fix: 'write that one value',
    }),
  },
  'number-wraps': {
    title: 'A number too large for cron wraps round',
    say: (a) => ({
      what: `A number in the ${a['field']} field is too large for cron, which makes ${a['value']} of it.`,
      fix: 'write the number that is meant',
    }),
  },
  'random-time': {
    title: 'cronie chooses the time when it reads the crontab',
    say: (a) => ({
      what: `cronie chooses a ${a['field']} from ${a['from']} to ${a['to']} each time it reads the crontab. Debian’s cron does not know the ~.`,
    }),
  },
  'never-fires': {
    title: 'The schedule never fires',
    say: () => ({
      what: 'This schedule never fires.',
      fix: 'look for a reversed range or a day that does not exist',
    }),
  },
  'days-or-weekdays': {
    title: 'Both day fields are set: either of them counts',
    say: () => ({
      what: 'Both day fields are set: the entry runs on days that fit either of them.',
      fix: 'set one of the two to *, or test the day in the command',
    }),
  },
  'days-and-weekdays': {
    title: 'A day field begins with *: both of them count',
    say: () => ({
      what: 'A day field begins with *: the entry runs only on days that fit both of them.',
      fix: 'write the days as a list where either of the two is to count',
    }),
  },
  'hours-without-minutes': {
    title: 'Hours are named, but every minute of them fires',
    say: (a) => ({
      what: `The minute is *: the command starts ${a['runs']} times a day, in every minute of hour ${a['hours']}.`,
      fix: `write 0 as the minute to start once an hour`,
    }),
  },
  'root-only-flag': {
    title: 'A flag that only root may use',
    say: (a) => ({
      what: `The ${a['flag']} in front of the minute (do not log) is for root and system crontabs; cronie refuses it to others.`,
      fix: 'take it away',
    }),
  },
  'flag-as-command': {
    title: 'A flag of another cron became the command',
    say: (a) => ({
      what: `Debian’s cron knows no flags: ${a['flag']} is the first word of the command, and no program has that name.`,
      fix: 'take it away',
    }),
  },
  'field-as-command': {
    title: 'A sixth time field became the command',
    say: (a) => ({
      what: `cron has five time fields: '${a['text']}' is the first word of the command.`,
      fix: 'write five fields; cron knows no seconds and no years',
    }),
  },
  'no-command': {
    title: 'The line has no command',
    say: () => ({
      what: 'Debian’s cron accepts the line without a command, and runs nothing. cronie refuses it.',
      fix: 'write the command, or remove the line',
    }),
  },
  'command-cut': {
    title: 'cronie cuts the command',
    say: (a) => ({
      what: `The command has ${a['length']} bytes; cronie reads ${a['limit']} and drops the rest.`,
      fix: 'put it into a script, and start that',
    }),
  },
  'nul-byte': {
    title: 'A NUL byte ends the line',
    say: () => ({
      what: 'A NUL byte stands here: cron ends the line there and reads on as if a new one began.',
      fix: 'remove the byte',
    }),
  },
  'carriage-return': {
    title: 'The line ends in a carriage return',
    say: () => ({
      what: 'The line ends in a carriage return, which becomes part of the command.',
      fix: 'convert the file: dos2unix',
    }),
  },
  'byte-order-mark': {
    title: 'The file begins with a byte order mark',
    say: () => ({
      what: 'The file begins with a byte order mark, which cron does not understand.',
      fix: 'save it as UTF-8 without one',
    }),
  },
  'backslash-pair': {
    title: 'Debian’s cron turns two backslashes into one',
    say: () => ({
      what: 'Debian’s cron makes one backslash of the two; cronie leaves both to the shell.',
      fix: 'put the command into a script, or write it without backslashes',
    }),
  },
  percent: {
    title: 'A bare % ends the command',
    say: () => ({
      what: 'cron ends the command at the first % and feeds the rest to its standard input.',
      fix: 'write \\% where a percent sign is meant',
    }),
  },
} as const satisfies Partial<Record<RuleCode, Wording>>;
