// Real crontabs, and what becomes of them when bytes are lost, doubled, swapped or put in.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { anyBytes } from './arbitrary.ts';
import { preserved } from './preserved.ts';

const workerLines = readFileSync(new URL('../corpus/worker-lines.tsv', import.meta.url), 'latin1')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t').find((cell) => /^(?:[*\d@]|\S+ \S+ \S+ \S+ \S+ )/.test(cell)) ?? line);

/** As Debian, Plesk and an editor on Windows leave them. */
const real = [
  preserved,
  `${workerLines.join('\n')}\n`,
  `${workerLines.slice(0, 40).join('\r\n')}\r\n`,
  [
    '# /etc/crontab: system-wide crontab',
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin',
    '',
    '17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly',
    '25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }',
    '47 6\t* * 7\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }',
    '52 6\t1 * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }',
    '09,39 *     * * *     root   [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean',
    '#',
  ].join('\n'),
  [
    'MAILTO="admin@shop.example"',
    'SHELL="/bin/false"',
    '0 3 * * * /usr/bin/true',
    'SHELL="/bin/bash"',
    '*/2 * * * * cd ${HTTPD_VHOSTS_D}/shop.example && /opt/plesk/php/8.2/bin/php httpdocs/worker.php --x="a  b"',
    '30 4 1-7 * sun /usr/bin/mail -s "hi" root%Dear root,%%100\\% done%',
    '@reboot /usr/bin/php /srv/a.php \\\\ > /dev/null 2>&1',
    '',
  ].join('\n'),
  '\xef\xbb\xbf# saved by an editor\n* * * * * echo gr\xc3\xbc\xc3\x9fe\n',
];

const special = fc.constantFrom(
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\xff',
    '\xef\xbb\xbf',
    '%',
    '\\',
    '\\%',
    '"',
    "'",
    '=',
    '#',
    '*',
    '-',
    '~',
    ',',
    '/',
    '@',
  ],
  ...[' ', '\t', '\v', '\xa0', '0', '59', '60', 'root', '* * * * * x\n', 'A=1\n', '\\\\', '@reboot'],
);

type Change = (text: string) => string;

/** Two places in a text of any length, as parts of it. */
const place = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 30 }));
const change: fc.Arbitrary<Change> = fc
  .tuple(place, special, fc.constantFrom('delete', 'double', 'insert', 'replace', 'move', 'cut', 'case'))
  .map(([[where, length], bytes, kind]) => (text) => {
    const at = Math.floor(where * text.length);
    const [head, piece, tail] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
    switch (kind) {
      case 'delete':
        return head + tail;
      case 'double':
        return head + piece + piece + tail;
      case 'insert':
        return head + bytes + piece + tail;
      case 'replace':
        return head + bytes + tail;
      case 'move':
        return tail + head + piece;
      case 'cut':
        return where < 0.5 ? text : head;
      default:
        return head + piece.toUpperCase() + tail;
    }
  });

/** A piece of a real crontab with one to five such changes. */
const mutant: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...real),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 1, max: 12 }),
    fc.array(change, { minLength: 1, maxLength: 5 }),
  )
  .map(([text, where, count, changes]) => {
    const lines = text.split(/(?<=\n)/);
    const first = Math.floor(where * lines.length);
    return changes.reduce((changed, one) => one(changed), lines.slice(first, first + count).join(''));
  });

/** Bytes that mean nothing, and mutants. */
export const anything: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: anyBytes },
  { weight: 3, arbitrary: mutant },
  { weight: 1, arbitrary: fc.tuple(mutant, anyBytes, mutant).map((parts) => parts.join('')) },
);
