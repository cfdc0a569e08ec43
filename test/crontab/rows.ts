// Sections 2.1 to 2.5 and 3 of the reference, row by row: a text and what each cron says to it.
// grammar.test.ts holds us to it, judge.test.ts the real crontab(1).

/** Y takes it, n refuses it: Debian 12, Debian 13, cronie 1.7.2. */
export type Verdict = 'YYY' | 'YYn' | 'nnY' | 'nYY' | 'YnY' | 'nnn' | 'Ynn' | 'nYn';

export interface Row {
  readonly section: string;
  readonly name: string;
  readonly text: string;
  readonly verdict: Verdict;
}

const rows: Row[] = [];
const section = (name: string, list: readonly (readonly [string, string, Verdict])[]): void => {
  for (const [about, text, verdict] of list) rows.push({ section: name, name: about, text, verdict });
};
const x = (length: number): string => 'x'.repeat(length);

section('2.1 the file', [
  ['nothing at all', '', 'YYY'],
  ['only blanks', ' \t\n  \n', 'YYY'],
  ['only blanks without a newline', ' \t', 'YYY'],
  ['an entry without a newline', '* * * * * x', 'nnn'],
  ['a second entry without a newline', '* * * * * x\n* * * * * y', 'nnn'],
  ['a setting without a newline', 'A=1', 'nnn'],
  ['a comment without a newline', '* * * * * x\n# end', 'YYY'],
  ['blanks without a newline', '* * * * * x\n  ', 'YYY'],
  ['CRLF on an entry', '* * * * * x\r\n', 'YYY'],
  ['CRLF on a setting', 'A=1\r\n', 'YYY'],
  ['CRLF on a comment', '# x\r\n', 'YYY'],
  ['CRLF on a blank line', '\r\n', 'nnn'],
  ['CRLF behind blanks', '  \r\n', 'nnn'],
  ['CR only', '* * * * * x\r', 'nnn'],
  ['a byte order mark and an entry', '\xef\xbb\xbf* * * * * x\n', 'nnn'],
  ['a byte order mark and a comment', '\xef\xbb\xbf# x\n', 'nnn'],
  ['a byte order mark and a setting', '\xef\xbb\xbfSHELL=/bin/sh\n', 'YYY'],
  ['a NUL in the command and text behind it', '* * * * * x\0y\n', 'nnn'],
  ['a NUL in a time field', '1\0 * * * * x\n', 'YYn'],
  ['a no-break space between fields', '*\xa0* * * * x\n', 'nnn'],
  ['a UTF-8 no-break space between fields', '*\xc2\xa0* * * * x\n', 'nnn'],
  ['a form feed between fields', '*\f* * * * x\n', 'nnn'],
  ['a vertical tab between fields', '*\v* * * * x\n', 'nnn'],
  ['blanks in front', ' \t* * * * * x\n', 'YYY'],
  ['tabs between', '*\t*\t *\t*\t*\tx\n', 'YYY'],
  ['10,000 lines', `${'#\n'.repeat(9_999)}* * * * * x\n`, 'YYY'],
  ['10,001 lines', `${'#\n'.repeat(10_000)}* * * * * x\n`, 'nnY'],
  ['10,001 comments', '#\n'.repeat(10_001), 'nnY'],
  ['10,001 entries', '* * * * * x\n'.repeat(10_001), 'nnn'],
  ['1,000 settings', 'A=1\n'.repeat(1_000), 'YYY'],
  ['1,001 settings', 'A=1\n'.repeat(1_001), 'YYn'],
  ['33 kB of comment', `#${x(33_000)}\n`, 'YYn'],
  ['a command of 998 bytes', `* * * * * ${x(998)}\n`, 'YYY'],
  ['a command of 999 bytes', `* * * * * ${x(999)}\n`, 'nnY'],
  ['a command of 131,071 bytes', `* * * * * ${x(131_071)}\n`, 'nnY'],
  ['a command that cronie cuts', `* * * * * ${x(131_073)}\n`, 'nnY'],
  ['a setting that cronie cuts', `A=${x(131_073)}\n`, 'YYY'],
  ['a quoted setting that cronie cuts', `A="${x(131_073)}"\n`, 'nnn'],
  ['a setting of 998 bytes', `A=${x(996)}\n`, 'YYY'],
  ['a setting of 1,200 bytes', `A=${x(1_198)}\n`, 'YYY'],
  ['an equals sign behind byte 998', `${x(999)}=1\n`, 'nnY'],
  ['UTF-8 in a command', '* * * * * echo \xc3\xa9\n', 'YYY'],
  ['latin-1 in a command', '* * * * * echo \xe9\n', 'YYY'],
  ['byte 255 in a command', '* * * * * echo \xff\n', 'YYY'],
  ['byte 255 at the start of a command', '* * * * * \xff\n', 'nnY'],
  ['UTF-8 in a field', '\xc3\xa9 * * * * x\n', 'nnn'],
  ['byte 255 in a field', '*\xff * * * * x\n', 'nnn'],
]);

section('2.2 settings', [
  ['blanks round the equals sign', 'A = b\n', 'YYY'],
  ['a quoted name', '"A B"=1\n', 'YYY'],
  ['a quoted value', "A='b c'\n", 'YYY'],
  ['blanks behind a quoted value', 'A="b" \t\n', 'YYY'],
  ['text behind the closing quote', 'A="b"c\n', 'nnn'],
  ['a comment behind the closing quote', 'A="b" # c\n', 'nnn'],
  ['quotes that do not match', 'A="b\'\n', 'nnn'],
  ['an open quote', "A='b\n", 'nnn'],
  ['quotes inside', 'A=b"c"\n', 'YYY'],
  ['quotes inside quotes', 'A="it\'s"\n', 'YYY'],
  ['a value with blanks', 'A=b c d\n', 'YYY'],
  ['MAILTO with a comment behind it', 'MAILTO=root # comment\n', 'YnY'],
  ['MAILTO in smart quotes', 'MAILTO=\xe2\x80\x9croot\xe2\x80\x9d\n', 'YnY'],
  ['MAILTO with a good address', 'MAILTO=admin@shop.example,root\n', 'YYY'],
  ['MAILTO of nobody', 'MAILTO=""\n', 'YYY'],
  ['MAILTO with a blank at the end of its quotes', 'MAILTO="root "\n', 'YYY'],
  ['MAILTO with a blank at the start of its quotes', 'MAILTO=" root"\n', 'YnY'],
  ['MAILTO of an option', 'MAILTO=-root\n', 'YnY'],
  ['MAILTO with a variable', 'MAILTO=$LOGNAME\n', 'YnY'],
  ['MAILFROM with a name', 'MAILFROM=Cron <cron@shop.example>\n', 'YnY'],
  ['mailto in small letters', 'mailto=root # comment\n', 'YYY'],
  ['a dollar in a value', 'PATH=$PATH:/opt/bin\n', 'YYY'],
  ['nothing behind the equals sign', 'FOO=\n', 'nYY'],
  ['blanks behind the equals sign', 'FOO= \t\n', 'nYY'],
  ['MAILTO with nothing', 'MAILTO=\n', 'nYY'],
  ['empty quotes', 'FOO=""\n', 'YYY'],
  ['export', 'export FOO=1\n', 'nnn'],
  ['two words', 'FOO BAR=1\n', 'nnn'],
  ['a name that starts with a digit', '1FOO=1\n', 'YYY'],
  ['a name with a hyphen', 'A-B=1\n', 'YYY'],
  ['no name', '=x\n', 'YYY'],
  ['a star as a name', '*=1 * * * *\n', 'YYY'],
  ['a schedule that runs into an equals sign', '*/5=1 * * * * x\n', 'YYY'],
  ['a nickname that runs into an equals sign', '@reboot=1\n', 'YYY'],
  ['an equals sign behind the first word', '* = 1\n', 'YYY'],
  ['a setting below the entries', '* * * * * x\nA=1\n', 'YYY'],
  ['LOGNAME', 'LOGNAME=root\n* * * * * x\n', 'YYY'],
  ['CRON_TZ of no zone', 'CRON_TZ=Example/Nowhere\n* * * * * x\n', 'YYY'],
  ['RANDOM_DELAY', 'RANDOM_DELAY=soon\n', 'YYY'],
  ['CONTENT_TYPE', 'CONTENT_TYPE=text/plain; charset=utf-8\n', 'YYY'],
]);

const line = (schedule: string): string => `${schedule} x\n`;
section('2.3 fields', [
  ['numbers', line('5 4 3 2 1'), 'YYY'],
  ['stars', line('* * * * *'), 'YYY'],
  ['ranges', line('1-5 2-4 3-3 1-12 0-7'), 'YYY'],
  ['a step on a range', line('0-59/5 * * * *'), 'YYY'],
  ['a step on a star', line('*/15 * * * *'), 'YYY'],
  ['lists', line('1,2-4,*/9 * * * *'), 'YYY'],
  ['names of months', line('0 0 1 jan,FEB *'), 'YYY'],
  ['names of days', line('0 0 * * Sun,mon-FRI'), 'YYY'],
  ['a long name', line('0 0 * * sunday'), 'nnn'],
  ['names of months as hours', line('0 jan * * *'), 'nnn'],
  ['7 as Sunday', line('0 0 * * 7'), 'YYY'],
  ['8 as a weekday', line('0 0 * * 8'), 'nnn'],
  ['60 as a minute', line('60 * * * *'), 'nnn'],
  ['24 as an hour', line('0 24 * * *'), 'nnn'],
  ['0 as a day', line('0 0 0 * *'), 'nnn'],
  ['32 as a day', line('0 0 32 * *'), 'nnn'],
  ['0 as a month', line('0 0 1 0 *'), 'nnn'],
  ['13 as a month', line('0 0 1 13 *'), 'nnn'],
  ['a step on a number', line('5/15 * * * *'), 'nnn'],
  ['a step of nothing', line('*/ * * * *'), 'nnn'],
  ['a step of 0', line('*/0 * * * *'), 'nnn'],
  ['a step beyond the range', line('*/100 * * * *'), 'YYY'],
  ['leading zeros', line('007 00 01 01 00'), 'YYY'],
  ['2 to the 32nd', line('4294967296 * * * *'), 'YYY'],
  ['a range that ends before it starts', line('5-1 * * * *'), 'YYY'],
  ['fri-sun', line('0 0 * * fri-sun'), 'YYY'],
  ['nov-feb', line('0 0 1 nov-feb *'), 'YYY'],
  ['a range in a range', line('1-5-7 * * * *'), 'YYn'],
  ['a step on a step', line('*/5/2 * * * *'), 'YYn'],
  ['a number behind a star', line('*5 * * * *'), 'YYn'],
  ['two stars', line('** * * * *'), 'YYn'],
  ['a decimal', line('1.5 * * * *'), 'YYn'],
  ['a time of day', line('1:30 * * * *'), 'YYn'],
  ['an exclamation mark', line('1! * * * *'), 'YYn'],
  ['the third Friday of others', line('0 0 * * 5#3'), 'YYn'],
  ['a semicolon', line('1;2 * * * *'), 'YYn'],
  ['a star and a range', line('*-5 * * * *'), 'YYn'],
  ['an empty part of a list', line('1,,2 * * * *'), 'nnn'],
  ['a comma at the end', line('1, * * * *'), 'nnn'],
  ['a range without an end', line('1- * * * *'), 'nnn'],
  ['a random minute', line('~ * * * *'), 'nnY'],
  ['a random minute up to', line('~10 * * * *'), 'nnY'],
  ['a random minute from', line('10~ * * * *'), 'YYY'],
  ['a random minute between', line('5~10 * * * *'), 'YYY'],
  ['a random minute that ends before it starts', line('10~5 * * * *'), 'YYn'],
  ['a step on a random minute', line('0~59/5 * * * *'), 'YYn'],
  ...['@reboot', '@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'].map(
    (name) => [name, line(name), 'YYY'] as const,
  ),
  ['a nickname in capitals', line('@Daily'), 'nnn'],
  ['@every_minute of FreeBSD', line('@every_minute'), 'nnn'],
  ['@5 of FreeBSD', line('@5'), 'nnn'],
  ['@ alone', line('@'), 'nnn'],
  ['a sixth star', '* * * * * * x\n', 'nnn'],
  ['a question mark as the sixth field', '0 0 12 * * ? php x\n', 'YYY'],
  ['no command', '* * * * *\n', 'YYn'],
  ['no command but blanks', '* * * * * \t\n', 'YYn'],
  ['@reboot without a command', '@reboot\n', 'YYn'],
  ['a minus in front of the minute', '-* * * * * x\n', 'nnY'],
  ['a minus in front of a nickname', '-@daily x\n', 'nnY'],
  ['-n in front of the command', '* * * * * -n x\n', 'YYY'],
  ['-n twice', '* * * * * -n -n x\n', 'YYn'],
  ['-q in front of the command', '* * * * * -q x\n', 'YYn'],
  ['-s in front of the command', '* * * * * -s x\n', 'YYn'],
]);

section('2.4 the day rule', [
  ['a star in one day field', line('0 0 * * 1'), 'YYY'],
  ['a stepped star and a weekday', line('0 0 */2 * 1'), 'YYY'],
  ['a full range and a weekday', line('0 0 1-31 * 1'), 'YYY'],
  ['a list that starts with a star', line('0 0 *,10 * 1'), 'YYY'],
  ['a list that ends with a star', line('0 0 10,* * 1'), 'YYY'],
  ['two lists', line('0 0 1,15 * 1,5'), 'YYY'],
]);

section('2.5 the command', [
  ['a percent sign', '* * * * * x%in\n', 'YYY'],
  ['an escaped percent sign', '* * * * * date +\\%F\n', 'YYY'],
  ['two backslashes', "* * * * * printf 'a\\\\nb'\n", 'YYY'],
  ['a backslash at the end of the line', '* * * * * x \\\n* * * * * y\n', 'YYY'],
  ['a continued line that is none', '* * * * * x \\\n  --more\n', 'nnn'],
  ['a comment behind the command', '* * * * * x # y\n', 'YYY'],
]);

section('2.7 one fault', [
  ['one bad line between good ones', '* * * * * x\n60 * * * * y\n* * * * * z\n', 'nnn'],
  ['one line that only Debian takes', '* * * * * x\n1.5 * * * * y\n* * * * * z\n', 'YYn'],
  ['one line that only cronie takes', '* * * * * x\n~ * * * * y\n* * * * * z\n', 'nnY'],
]);

section(
  '3A cron-parser accepts, Debian refuses',
  [
    ...['5/15 * * * *', '5/1 * * * *', '0/5 * * * *'],
    ...['0 0 L * *', '0 0 * * 5L', '0 0 ? * *', '0 0 ? * 1', '0 0 * * ?', '? ? ? ? ?'],
    ...['H * * * *', 'H/15 * * * *', 'H(0-29)/10 * * * *'],
    ...['@minutely', '@secondly', '@weekdays', '@weekends'],
    ...['*', '* *', '* * *', '* * * *'],
    ...['* * * * * *', '0 * * * * *', '*/10 * * * * *', '0 0 12 ? * MON-FRI'],
  ].map((schedule) => [schedule, line(schedule), 'nnn'] as const),
);

const bothTake = [
  ...['5-1 * * * *', '59-0 * * * *', '0 22-6 * * *', '0 0 1 nov-feb *'],
  ...['5-0', '6-1', '7-1', 'fri-sun', 'sat-sun', 'sat-mon', 'fri-mon'].map((day) => `0 0 * * ${day}`),
  ...['0 0 31 2 *', '0 0 30 2 *', '0 0 31 4,6,9,11 *'],
  ...['0 0 * * 0,7', '*,5 * * * *', '5,* * * * *', '*/2,*/3 * * * *', '1,1,1 * * * *'],
  ...['0 0 *,10 * 1', '0 0 10,* * 1', '0~59 * * * *', '5~10 * * * *', '10~ * * * *'],
  ...['4294967296 * * * *', '@reboot', '@midnight', '0 0 12 * * ? 2030'],
];
const debianTakes = [
  ...[
    '1-5-7',
    '1-5/2/3',
    '*/5/2',
    '*/5.5',
    '*-5',
    '*5',
    '**',
    '1;2',
    '1.5',
    '1:30',
    '1!',
    '10~5',
    '0~59/5',
  ].map((minute) => `${minute} * * * *`),
  '0 0 * * 5#6',
];
section('3B Debian accepts, cron-parser refuses', [
  ...bothTake.map((schedule) => [schedule, line(schedule), 'YYY'] as const),
  ...debianTakes.map((schedule) => [schedule, line(schedule), 'YYn'] as const),
]);

section('3C both accept, at other times', [
  ...['0 0 */2 * 1', '0 0 */2 * 1-5', '0 0 1 * */2', '0 0 */31 * 1'].map(
    (schedule) => [schedule, line(schedule), 'YYY'] as const,
  ),
  ...['0 0 * * 5#3', '0 0 1 * 5#3'].map((schedule) => [schedule, line(schedule), 'YYn'] as const),
]);

export { rows };
