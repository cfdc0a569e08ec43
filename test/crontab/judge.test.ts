// Our verdicts on generated crontabs against those of the real crontab(1), which only checks (-n) and installs nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { anyBytes, crontabBytes, crontabFile, entryLine, field, settingLine, stress } from './arbitrary.ts';

const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);
const folder = mkdtempSync(join(tmpdir(), 'cronlatch-judge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `crontab -n` says about each text: true when it would install it. */
function verdicts(texts: readonly string[]): boolean[] {
  const names = texts.map((text, index) => {
    writeFileSync(join(folder, String(index)), text, 'latin1');
    return index;
  });
  const script = `for ((i = 0; i < ${names.length}; i++)); do crontab -n "$i" >/dev/null 2>&1; echo $?; done`;
  const said = execFileSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26 });
  return said
    .trim()
    .split('\n')
    .map((code) => code === '0');
}

/** Does this machine have a crontab(1) that can check without installing, and is it Debian's? */
const judge =
  spawnSync('crontab', ['-V']).error === undefined &&
  verdicts(['1-5-7 * * * * x\n', '60 * * * * x\n']).join() === 'true,false';

function compare(arbitrary: fc.Arbitrary<string>, count: number, part: number) {
  const texts = fc.sample(arbitrary, { numRuns: count, seed: seed + part });
  const said = verdicts(texts);
  expect(said).toHaveLength(count);
  const wrong = texts.filter((text, index) => {
    const ours = parseCrontab(text, { dialect: 'debian', system: false }).accepted;
    return ours !== said[index];
  });
  const accepted = said.filter(Boolean).length;
  process.stdout.write(`seed ${seed}: ${count} judged, ${accepted} accepted, ${count - accepted} refused\n`);
  expect(wrong.slice(0, 10)).toEqual([]);
  return { accepted, refused: count - accepted };
}

/** Mostly the same good fields with one that may be wrong, so that both verdicts are common. */
const oneField = fc.tuple(fc.integer({ min: 0, max: 4 }), field, field).map(([at, first, second]) => {
  const fields = ['*', '*', '*', '*', '*'];
  fields[at] = first;
  fields[(at + 1) % 5] = second;
  return `${fields.join(' ')} x\n`;
});

describe.skipIf(!judge)('against the real crontab -n of Debian', () => {
  test('we accept and refuse the same single schedules', () => {
    const total = stress ? 20_000 : 2_000;
    const { accepted, refused } = compare(oneField, total, 0);
    expect(accepted / total).toBeGreaterThanOrEqual(0.3);
    expect(refused / total).toBeGreaterThanOrEqual(0.3);
  }, 600_000);

  test('we accept and refuse the same whole lines', () => {
    compare(
      fc.oneof(entryLine, settingLine).map((line) => `${line}\n`),
      stress ? 10_000 : 600,
      1,
    );
  }, 600_000);

  test('we accept and refuse the same files', () => {
    compare(crontabFile, stress ? 10_000 : 600, 2);
  }, 600_000);

  test('we accept and refuse the same bytes of any kind', () => {
    const behind = crontabBytes.map((text) => `* * * * * ${text}`);
    compare(fc.oneof(crontabBytes, behind, anyBytes), stress ? 10_000 : 600, 3);
  }, 600_000);

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
    for (const count of [9_999, 10_000, 10_001]) {
      for (const line of ['#\n', '\n', 'A=1\n', '* * * * * x\n']) {
        texts.push(line.repeat(count), `${line.repeat(count)}#`, `${line.repeat(count)}A=1`);
      }
    }
    const ours = texts.map((text) => parseCrontab(text, { dialect: 'debian', system: false }).accepted);
    expect(ours).toEqual(verdicts(texts));
  }, 600_000);
});
