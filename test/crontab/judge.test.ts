// Our verdicts against those of the real crontab(1), which only checks and installs nothing: the rows of the reference,
// crontabs of every class it knows, and generated fields, lines, files and bytes.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type Cron, verdicts } from '../../src/crontab/dialects.ts';
import { anyBytes, crontabBytes, crontabFile, entryLine, field, settingLine, stress } from './arbitrary.ts';
import { entryClasses } from './entryClasses.ts';
import { fileClasses } from './fileClasses.ts';
import { rows } from './rows.ts';

const classes = [...fileClasses, ...entryClasses];
const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);
const folder = mkdtempSync(join(tmpdir(), 'cronlatch-judge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Judge {
  readonly cron: Cron;
  /** The words in front of the file's name. */
  readonly words: readonly string[];
}

/** crontab -n writes and syncs a file in the spool: as root it gets a spool of its own, in memory. */
const apart =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['-m', '--propagation', 'private', 'mount', '-t', 'tmpfs', 'x', '/var/spool/cron'])
    .status === 0;

/** What this crontab(1) says about each text: true when it would install it. */
function ask(words: readonly string[], texts: readonly string[]): boolean[] {
  for (const [index, text] of texts.entries()) writeFileSync(join(folder, String(index)), text, 'latin1');
  const own = apart ? 'mount -t tmpfs -o mode=1730 tmpfs /var/spool/cron/crontabs || exit 1; ' : '';
  const script = `${own}for ((i = 0; i < ${texts.length}; i++)); do "$@" "$i" >/dev/null 2>&1; echo $?; done`;
  const bash = ['bash', '-c', script, 'bash', ...words];
  const [program = '', ...rest] = apart ? ['unshare', '-m', '--propagation', 'private', ...bash] : bash;
  const said = execFileSync(program, rest, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return said
    .trim()
    .split('\n')
    .map((code) => code === '0');
}

/** Which cron's crontab(1) is this? Told by what it takes: junk in a field, and a name without a value. */
function judgeOf(program: string): Judge | undefined {
  if (program === '' || spawnSync(program, ['-V']).error !== undefined) return undefined;
  for (const flag of ['-n', '-T']) {
    const said = ask(
      [program, flag],
      ['1-5-7 * * * * x\n', '60 * * * * x\n', 'A=\n', '~ * * * * x\n'],
    ).join();
    if (said === 'true,false,false,false') return { cron: 'debian12', words: [program, flag] };
    if (said === 'true,false,true,false') return { cron: 'debian13', words: [program, flag] };
    if (said === 'false,false,true,true') return { cron: 'cronie', words: [program, flag] };
  }
  return undefined;
}

// Further judges by path, separated by colons: Debian 13's crontab and cronie's, unpacked somewhere.
const programs = ['crontab', ...(process.env['CRONLATCH_CRONTABS'] ?? '').split(':')];
const judges = programs.flatMap((program) => judgeOf(program) ?? []);

interface Tally {
  readonly accepted: number;
  readonly refused: number;
}

/** cronie rolls the dice when it reads a random time: out of bounds at one end it takes it or not. */
function isGamble(text: string): boolean {
  const crontab = verdicts(text, false).crontabs.cronie;
  return crontab.lines.some((line) =>
    line.marks.some(
      ({ code, args }) =>
        code === 'bad-field' && /~/.test(String(args['text'])) && args['why'] === 'out-of-range',
    ),
  );
}

/** Holds our verdicts to the judge's; the wrong ones are shown. */
function compare({ cron, words }: Judge, texts: readonly string[], about: string): Tally {
  const said = ask(words, texts);
  expect(said).toHaveLength(texts.length);
  const wrong = texts.filter(
    (text, index) =>
      verdicts(text, false).accepted[cron] !== said[index] && !(cron === 'cronie' && isGamble(text)),
  );
  const accepted = said.filter(Boolean).length;
  const refused = texts.length - accepted;
  process.stdout.write(
    `seed ${seed}: ${about}: ${cron} judged ${texts.length}, ${accepted} accepted, ${refused} refused\n`,
  );
  expect(
    wrong.slice(0, 10).map((text) => `${text.length} bytes: ${text.slice(0, 300)} … ${text.slice(-40)}`),
  ).toEqual([]);
  return { accepted, refused };
}

/** Mostly the same good fields with one that may be wrong, so that both verdicts are common. */
const oneField = fc.tuple(fc.integer({ min: 0, max: 4 }), field, field).map(([at, first, second]) => {
  const fields = ['*', '*', '*', '*', '*'];
  fields[at] = first;
  fields[(at + 1) % 5] = second;
  return `${fields.join(' ')} x\n`;
});

const sampled = (arbitrary: fc.Arbitrary<string>, count: number, part: number): string[] =>
  fc.sample(arbitrary, { numRuns: count, seed: seed + part });

const shipped = readFileSync(new URL('../corpus/cron-expressions.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('"'))
  .map((line) => `${Buffer.from(JSON.parse(line.split('\t')[0] ?? '')).toString('latin1')} x\n`);

// Without a judge the tests still stand in the report, skipped.
const bench: readonly Judge[] = judges.length > 0 ? judges : [{ cron: 'debian12', words: [] }];

describe.skipIf(judges.length === 0).each(bench)('against the real crontab of $cron', (judge) => {
  test('we say what it says to every row of the reference', () => {
    const column = ['debian12', 'debian13', 'cronie'].indexOf(judge.cron);
    const said = ask(
      judge.words,
      rows.map((row) => row.text),
    );
    const wrong = rows.filter((row, index) => (row.verdict[column] === 'Y') !== said[index]);
    expect(wrong.map(({ name, section }) => `${section}: ${name}`)).toEqual([]);
  });

  test('we say the same to the shipped schedules and to generated ones, with every class among them', () => {
    // Two of the classes are files of ten thousand lines: as many of each as of the others would take minutes.
    const total = stress ? 30_000 : 2_000;
    const each = Math.floor((total * 0.45) / classes.length);
    const texts = classes.flatMap(({ make, name }, index) =>
      sampled(make, name.startsWith('10,00') ? Math.min(each, 8) : each, 100 + index),
    );
    const behind = crontabBytes.map((text) => `* * * * * ${text}`);
    const line = fc.oneof(entryLine, settingLine).map((one) => `${one}\n`);
    texts.push(
      ...sampled(line, total * 0.04, 1),
      ...sampled(crontabFile, total * 0.04, 2),
      ...sampled(fc.oneof(crontabBytes, behind, anyBytes), total * 0.04, 3),
    );
    texts.push(...sampled(oneField, total - texts.length, 0));
    const all = [...shipped, ...texts];
    const { accepted, refused } = compare(judge, all, 'schedules and files');
    expect(all.length).toBeGreaterThanOrEqual(total);
    expect(accepted / all.length).toBeGreaterThanOrEqual(0.3);
    expect(refused / all.length).toBeGreaterThanOrEqual(0.3);
    const counts = classes.map(({ section, name, hits }) => {
      const count = texts.filter(hits).length;
      return { section, name, count };
    });
    process.stdout.write(
      `classes: ${counts.map(({ section, name, count }) => `${section} ${name}: ${count}`).join(' | ')}\n`,
    );
    expect(counts.filter(({ count }) => count === 0)).toEqual([]);
  }, 600_000);

  test.runIf(stress)(
    'we say the same to bytes of any kind, and to whole files',
    () => {
      const behind = crontabBytes.map((text) => `* * * * * ${text}`);
      compare(judge, sampled(crontabFile, 10_000, 4), 'files');
      compare(judge, sampled(fc.oneof(crontabBytes, behind, anyBytes), 10_000, 5), 'bytes');
    },
    600_000,
  );

  test('we draw the length limits at the same byte', () => {
    const texts = [997, 998, 999, 1000, 1001].flatMap((length) => [
      `* * * * * ${'x'.repeat(length)}\n`,
      `* * * * *   ${'x'.repeat(length)}\n`,
      `@daily ${'x'.repeat(length - 2)}%y\n`,
      `A=${'x'.repeat(length - 2)}\n`,
      `A="${'x'.repeat(length - 4)}"\n`,
      `${'A'.repeat(length - 2)}=1\n`,
      `${' '.repeat(length)}A=1\n`,
      `A${' '.repeat(length - 2)}=1\n`,
      `${'0'.repeat(length)} * * * * x\n`,
    ]);
    for (const length of [131_070, 131_071, 131_072, 131_073]) {
      texts.push(
        `* * * * * ${'x'.repeat(length)}\n`,
        `A=${'x'.repeat(length)}\n`,
        `A="${'x'.repeat(length)}"\n`,
      );
    }
    for (const count of [9_999, 10_000, 10_001]) {
      for (const line of ['#\n', '\n', 'A=1\n', '* * * * * x\n']) {
        texts.push(line.repeat(count), `${line.repeat(count)}#`, `${line.repeat(count)}A=1`);
      }
    }
    for (const count of [999, 1_000, 1_001])
      texts.push('A=1\n'.repeat(count), `${'A=1\n'.repeat(count)}* * * * * x\n`);
    for (const bytes of [32_766, 32_767, 32_768, 32_769, 32_770]) {
      texts.push(`#${'x'.repeat(bytes - 2)}\n`, `${'\n'.repeat(bytes)}* * * * * x\n`);
      texts.push(`* * * * * x\n${'#\n'.repeat(bytes / 2)}A=1\n`);
    }
    compare(judge, texts, 'lengths');
  }, 600_000);
});
