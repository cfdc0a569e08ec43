// How a class of crontabs is told and made: what all of them are built from.
import fc from 'fast-check';

export interface Class {
  readonly section: string;
  readonly name: string;
  readonly make: fc.Arbitrary<string>;
  readonly hits: (text: string) => boolean;
}

const SETTING = /^[ \t]*(?:"[^"=]*"|'[^'=]*'|[^\s="'#][^\s=]*)?\s*=/;
export const isComment = (line: string): boolean => /^[ \t]*(?:#|$)/.test(line);

/** Lines that are entries or were meant to be. */
export const entriesOf = (text: string): string[] =>
  text.split('\n').filter((line) => !isComment(line) && !SETTING.test(line));
export const settingsOf = (text: string): string[] =>
  text.split('\n').filter((line) => !isComment(line) && SETTING.test(line));
export const fieldsOf = (line: string): string[] =>
  line
    .trim()
    .split(/[ \t]+/)
    .slice(0, 5);
/** What stands behind five fields or a nickname. */
export const commandOf = (line: string): string =>
  /^[ \t]*-?(?:@[^ \t]+|(?:[^ \t]+[ \t]+){4}[^ \t]+)[ \t]*(.*)$/s.exec(line)?.[1] ?? '';

export const command = fc.constantFrom('x', 'php /srv/a.php', 'cd /srv && ./b --x="a  b"', 'true # c');
const minute = fc.integer({ min: 0, max: 59 });
export const schedule = fc.oneof(
  fc.constantFrom('* * * * *', '@daily', '@reboot', '0 0 * * sun'),
  fc.tuple(minute, fc.integer({ min: 0, max: 23 })).map(([m, h]) => `${m} ${h} * * *`),
);
export const entry = fc.tuple(schedule, command).map((parts) => parts.join(' '));
export const either = fc.oneof(entry, fc.constantFrom('A=1', 'PATH="/usr/bin:/bin"'));
export const lines = fc
  .array(either, { maxLength: 2 })
  .map((list) => list.map((line) => `${line}\n`).join(''));
/** A file with good lines round one line of the class. */
export const among = (line: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(lines, line, lines).map(([before, one, after]) => `${before}${one}\n${after}`);

export const countOf = (text: string): number => text.split('\n').length - 1;

/** A list of classes and the function that adds one; `hits` may be a pattern of the whole text. */
export function classList(): {
  readonly classes: Class[];
  add(section: string, name: string, make: fc.Arbitrary<string>, hits: RegExp | Class['hits']): void;
} {
  const classes: Class[] = [];
  return {
    classes,
    add(section, name, make, hits) {
      classes.push({ section, name, make, hits: hits instanceof RegExp ? (text) => hits.test(text) : hits });
    },
  };
}
