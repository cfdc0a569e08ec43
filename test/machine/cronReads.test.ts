// What a real daemon makes of files, settings and commands: which files it passes over, what a job's environment
// is, what the shell and its standard input get. One tick of the real cron judges hundreds of each.
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { EntryLine } from '../../src/crontab/crontab.ts';
import { running as runningOf } from '../../src/crontab/dialects.ts';
import { type CronFile, whyNotLoaded } from '../../src/crontab/dropin.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { settingsAt } from '../../src/crontab/settings.ts';
import { commandText, settingLine, stress } from '../crontab/arbitrary.ts';
import {
  type Daemon,
  daemons,
  daysMissing,
  type SteppedCron,
  startStepped,
  type Workplace,
  workplace,
} from '../support/cronDays.ts';

const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);
const start = Date.parse('2026-06-01T10:00Z');
const MINUTE = 60_000;

const running: SteppedCron[] = [];
afterEach(async () => {
  for (const cron of running.splice(0)) await cron.stop();
});

async function oneTick(place: Workplace, daemon: Daemon): Promise<SteppedCron> {
  const cron = await startStepped(place, 'UTC', start, daemon);
  running.push(cron);
  await cron.tick(start + MINUTE);
  return cron;
}

interface Placed {
  readonly name: string;
  readonly uid?: number;
  readonly mode?: number;
  readonly links?: number;
  readonly link?: { readonly uid: number };
  readonly kind?: 'directory' | 'absent';
}

const nobody = 65534;
const files: readonly Placed[] = [
  { name: 'worker' },
  { name: 'Worker_2-a' },
  { name: 'worker.bak' },
  { name: 'example.com' },
  { name: 'worker~' },
  { name: '.hidden' },
  { name: '#number' },
  { name: 'a.dpkg-old' },
  { name: 'mode600', mode: 0o600 },
  { name: 'mode755', mode: 0o755 },
  { name: 'mode4644', mode: 0o4644 },
  { name: 'mode044', mode: 0o044 },
  { name: 'mode664', mode: 0o664 },
  { name: 'mode646', mode: 0o646 },
  { name: 'nobodys', uid: nobody },
  { name: 'linked', links: 2 },
  { name: 'symlink', link: { uid: 0 } },
  { name: 'symlink-of-nobody', link: { uid: nobody } },
  { name: 'symlink-to-mode664', link: { uid: 0 }, mode: 0o664 },
  { name: 'symlink-to-nobodys', link: { uid: 0 }, uid: nobody },
  { name: 'symlink-to-linked', link: { uid: 0 }, links: 2 },
  { name: 'broken', link: { uid: 0 }, kind: 'absent' },
  { name: 'directory', kind: 'directory' },
];

describe.skipIf(daysMissing !== '').each(daemons)(
  `$cron's daemon${daysMissing && ` (${daysMissing})`}`,
  (daemon) => {
    const dialect = daemon.cron === 'cronie' ? 'cronie' : 'debian';
    const release = daemon.cron === 'debian13' ? 13 : 12;
    const parse = (text: string, system = false) => parseCrontab(text, { dialect, system, release });

    test('passes over the files of /etc/cron.d that we say it does', async () => {
      const place = workplace();
      const elsewhere = join(place.directory, 'elsewhere');
      mkdirSync(elsewhere);
      for (const [index, { name, uid = 0, mode = 0o644, links = 1, link, kind }] of files.entries()) {
        const path = join(place.cronD, name);
        const real = link === undefined ? path : join(elsewhere, name);
        if (kind === 'directory') mkdirSync(real);
        else if (kind !== 'absent') writeFileSync(real, `* * * * * root ${place.note(`file${index}`)}\n`);
        if (links === 2) linkSync(real, join(elsewhere, `${name}-twin`));
        if (kind === undefined) {
          chownSync(real, uid, 0);
          chmodSync(real, mode);
        }
        if (link !== undefined) {
          symlinkSync(real, path);
          lchownSync(path, link.uid, 0);
        }
      }
      const cron = await oneTick(place, daemon);
      const seen = files.filter((_, index) => cron.starts(`file${index}`).length > 0).map(({ name }) => name);
      const told = files.filter(({ name, uid = 0, mode = 0o644, links = 1, link, kind }) => {
        const target = { regular: kind !== 'directory', uid, mode, links: kind === 'directory' ? 2 : links };
        const file: CronFile = {
          name,
          ...(link === undefined ? {} : { link }),
          target: kind === 'absent' ? 'absent' : target,
        };
        return whyNotLoaded(file, { is: 'cron.d' }, dialect).length === 0;
      });
      expect(seen).toEqual(told.map(({ name }) => name));
      expect(seen.length).toBeGreaterThan(4);
    });

    test("passes over the users' crontabs that we say it does", async () => {
      const seen: boolean[] = [];
      const cases = [0o600, 0o644, 0o400, 0o700, 0o660].map((mode) => ({
        mode,
        uid: 0,
        links: 1,
        link: false,
      }));
      cases.push({ mode: 0o600, uid: nobody, links: 1, link: false });
      cases.push(
        { mode: 0o600, uid: 0, links: 2, link: false },
        { mode: 0o600, uid: 0, links: 1, link: true },
      );
      for (const { mode, uid, links, link } of cases) {
        const place = workplace();
        const path = join(place.spool, 'root');
        const real = link ? join(place.directory, 'real') : path;
        writeFileSync(real, `* * * * * ${place.note('spool')}\n`);
        chownSync(real, uid, 0);
        chmodSync(real, mode);
        if (links === 2) linkSync(real, join(place.directory, 'twin'));
        if (link) symlinkSync(real, path);
        const cron = await oneTick(place, daemon);
        seen.push(cron.starts('spool').length > 0);
      }
      const told = cases.map(({ mode, uid, links, link }) => {
        const target = { regular: true, uid, mode, links };
        const file = { name: 'root', target, ...(link ? { link: { uid: 0 } } : {}) };
        return whyNotLoaded(file, { is: 'spool', uid: 0 }, dialect).length === 0;
      });
      expect(seen).toEqual(told);
      if (dialect === 'debian') expect(seen).toEqual([true, ...Array(7).fill(false)]);
    });

    test('runs of a file with one fault what we say', async () => {
      const place = workplace();
      const note = (name: string): string => `* * * * * root ${place.note(name)}\n`;
      const texts: Record<string, (name: string) => string> = {
        good: note,
        bad: (name) => `${note(name)}60 * * * * root x\n`,
        unended: (name) => `${note(name)}* * * * * root x`,
        'unended-comment': (name) => `${note(name)}# x`,
        junk: (name) => `${note(name)}1.5 * * * * root x\n`,
        random: (name) => `${note(name)}~ * * * * root x\n`,
        long: (name) => `${note(name)}* * * * * root ${'x'.repeat(999)}\n`,
        'long-with-blanks': (name) => `${note(name)}0 0 * * * root  ${'x'.repeat(998)}\n`,
        'no-command': (name) => `${note(name)}* * * * * root\n`,
        mark: (name) => `\xef\xbb\xbf${note(name)}`,
        nul: (name) => `${note(name)}* * * * * root x\0y\n`,
        'line-10003': (name) => `${'#\n'.repeat(10_002)}${note(name)}`,
        'line-10004': (name) => `${'#\n'.repeat(10_003)}${note(name)}`,
        'comments-behind': (name) => `${note(name)}${'#\n'.repeat(10_010)}`,
        'tab-before-command': (name) => note(name).replace(' root ', '\troot\t'),
      };
      for (const [name, make] of Object.entries(texts))
        writeFileSync(join(place.cronD, name), make(name), { encoding: 'latin1', mode: 0o644 });
      const cron = await oneTick(place, daemon);
      const names = Object.keys(texts);
      const told = names.filter((name) => {
        const crontab = parse(texts[name]?.(name) ?? '', true);
        const noting = crontab.lines.some(
          (line) => line.is === 'entry' && line.command.text.includes('starts/'),
        );
        return noting && runningOf(crontab) !== 'nothing';
      });
      expect(names.filter((name) => cron.starts(name).length > 0)).toEqual(told);
      expect(told).toContain('good');
      expect(told.length).toBeLessThan(names.length);
    });

    test('passes over a file that names a user nobody knows, or that entry alone', async () => {
      const place = workplace();
      const text = `* * * * * root ${place.note('unknown')}\n* * * * * cronlatch-nobody-has-this-name x\n`;
      writeFileSync(join(place.cronD, 'unknown'), text, { mode: 0o644 });
      expect((await oneTick(place, daemon)).starts('unknown')).toHaveLength(dialect === 'cronie' ? 1 : 0);
      // The text alone does not show it: who reads it has to look the user up.
      expect(runningOf(parse(text, true))).toBe('everything');
    });

    test.runIf(dialect === 'debian')(
      'gives a job its home, its defaults and the words of the command, comments and all',
      async () => {
        const place = workplace();
        const say = (name: string): string => place.say(name);
        place.install(
          'root',
          [
            `* * * * * pwd > ${say('pwd')}; echo "$SHELL $PATH $HOME $LOGNAME" > ${say('defaults')}`,
            `* * * * * echo x # y > ${say('comment')}`,
            `* * * * * cat > ${say('input')}%l1%l2%`,
            `* * * * * : &> ${say('dash')}`,
            'FOO="a  b"',
            'BAR=x$HOME',
            'PATH = "/usr/bin:/bin"   ',
            'LOGNAME=joe',
            `* * * * * echo "$FOO|$BAR|$PATH|$LOGNAME" > ${say('set')}`,
            '',
          ].join('\n'),
        );
        const cron = await oneTick(place, daemon);
        expect(cron.said('pwd')).toBe('/root\n');
        expect(cron.said('defaults')).toBe('/bin/sh /usr/bin:/bin /root root\n');
        expect(existsSync(say('comment'))).toBe(false);
        expect(cron.said('input')).toBe('l1\nl2\n');
        // dash reads `&>` as a background command and an empty file.
        expect([existsSync(say('dash')), cron.said('dash')]).toEqual([true, '']);
        expect(cron.said('set')).toBe('a  b|x$HOME|/usr/bin:/bin|root\n');
      },
    );

    test('gives a job the settings above it, as we read them', async () => {
      const place = workplace();
      const count = stress ? 3_000 : 300;
      // One variable each: a line that is no setting, or that has another name, is left out.
      const lines = fc
        .sample(settingLine, { numRuns: count * 4, seed })
        .filter((line) => /^\s*["']?A["']?\s*=/.test(line))
        .flatMap((line) => {
          const read = parse(`${line}\n`).lines[0];
          return read?.is === 'setting' && read.name === 'A' && read.value !== '' ? [line] : [];
        });
      expect(lines.length).toBeGreaterThan(count / 6);
      const text = `${lines
        .map((line, index) => `${line}\n* * * * * printf '\\%s' "$A" > ${place.say(`value${index}`)}\n`)
        .join('')}`;
      place.install('root', text);
      const cron = await oneTick(place, daemon);
      const crontab = parse(text);
      const wrong = lines.flatMap((line, index) => {
        const told = settingsAt(crontab, 2 * index + 2).get('A');
        const seen = cron.said(`value${index}`);
        return told === seen ? [] : [{ line, told, seen }];
      });
      process.stdout.write(`seed ${seed}: ${lines.length} settings, ${wrong.length} read otherwise\n`);
      expect(wrong).toEqual([]);
    }, 300_000);

    test('gives the shell the command, and its standard input, as we decode them', async () => {
      const place = workplace();
      const shell = join(place.directory, 'shell');
      // Cron runs $SHELL -c COMMAND. The first word of each command is its number.
      writeFileSync(
        shell,
        `#!/bin/sh\nn="\${2%%:*}"\nprintf %s "$2" > ${place.say('text')}-$n\ncat > ${place.say('in')}-$n\n`,
        { mode: 0o755 },
      );
      const count = stress ? 1_500 : 300;
      const lines = fc
        .sample(commandText, { numRuns: count, seed })
        .filter((command) => !command.includes('\0'))
        .map((command, index) => `* * * * * ${index}:${command}`);
      const text = `SHELL=${shell}\n${lines.map((line) => `${line}\n`).join('')}`;
      const crontab = parse(text);
      expect(crontab.accepted).toBe(true);
      place.install('root', text);
      await oneTick(place, daemon);
      const entries = crontab.lines.filter((line): line is EntryLine => line.is === 'entry');
      expect(entries).toHaveLength(lines.length);
      const read = (name: string): string => readFileSync(place.say(name), 'latin1');
      const wrong = entries.flatMap(({ command }, index) => {
        const seen = { text: read(`text-${index}`), stdin: read(`in-${index}`) };
        const told = { text: command.text, stdin: command.stdin ?? '' };
        return JSON.stringify(seen) === JSON.stringify(told) ? [] : [{ line: lines[index], seen, told }];
      });
      const withInput = entries.filter(({ command }) => command.stdin !== undefined).length;
      process.stdout.write(
        `seed ${seed}: ${entries.length} commands, ${withInput} with input, ${wrong.length} decoded otherwise\n`,
      );
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(withInput).toBeGreaterThan(10);
    }, 300_000);
  },
);
