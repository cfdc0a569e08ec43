// A change as data: turned round, printed, read back, spliced into a crontab that others edited.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, readable, stepFromJson, stepToJson } from '../../src/change/encode.ts';
import { isEmpty, planOf } from '../../src/change/plan.ts';
import { spliceEdits, wholeLines } from '../../src/change/splice.ts';
import { invert, type PutCrontab, type PutFile, type Step } from '../../src/change/step.ts';

const runs = process.env['CRONLATCH_STRESS'] ? 20_000 : 500;
const bytes = fc.uint8Array({ maxLength: 60 }).map((a) => Buffer.from(a).toString('latin1'));
const look = { mode: 0o640, uid: 10001, gid: 10001, mtime: '1700000000.123456789' };
const putFile = fc.record({ before: bytes, after: bytes }).map(
  ({ before, after }): PutFile => ({
    kind: 'put-file',
    what: 'script',
    path: '/srv/worker.php',
    as: { uid: 10001, gid: 10001 },
    before: { ...look, bytes: before },
    after: { mode: 0o640, uid: 10001, gid: 10001, bytes: after },
  }),
);
const lines = fc.array(
  bytes.map((b) => `${b.replaceAll('\n', '')}\n`),
  { minLength: 1, maxLength: 8 },
);
const putCrontab = fc.tuple(lines, fc.nat(), bytes).map(([all, at, text]): PutCrontab => {
  const index = at % all.length;
  const after = [...all];
  after[index] = `ours ${text.replaceAll('\n', '')}\n`;
  return {
    kind: 'put-crontab',
    source: { is: 'user', user: 'example-user' },
    route: {
      by: 'spool',
      path: '/var/spool/cron/crontabs/example-user',
      as: { uid: 0, gid: 0 },
      look: { ...look, mode: 0o600 },
    },
    before: all.join(''),
    after: after.join(''),
    edits: [{ line: index + 1, before: [all[index] ?? ''], after: [after[index] ?? ''] }],
  };
});

describe('a step', () => {
  test('turned round twice does what it did', () => {
    fc.assert(
      fc.property(fc.oneof(putFile, putCrontab), (step) => {
        const back = invert(step) as PutFile | PutCrontab;
        const again = invert(back) as PutFile | PutCrontab;
        expect([again.before, again.after]).toEqual([step.before, step.after]);
        expect([back.before, back.after]).toEqual([step.after, step.before]);
      }),
      { numRuns: runs },
    );
  });

  test('survives being printed and read back, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(putFile, putCrontab), (step: Step) => {
        expect(stepFromJson(JSON.parse(JSON.stringify(stepToJson(step))))).toEqual(step);
      }),
      { numRuns: runs },
    );
  });

  test('stopping a process has no undo', () => {
    const stop: Step = {
      kind: 'stop-process',
      script: '/srv/w.php',
      uid: 1,
      interpreter: 'php',
      lockAs: { uid: 1, gid: 1 },
      grace: 30,
      seen: [1],
    };
    expect(invert(stop)).toBe('none');
    expect(isEmpty(planOf({ for: 'deploy', steps: [stop], workers: [], cannotUndo: [] }))).toBe(false);
    expect(
      isEmpty(planOf({ for: 'deploy', steps: [{ ...stop, seen: [] }], workers: [], cannotUndo: [] })),
    ).toBe(true);
  });

  test('a plan’s name does not depend on which PIDs ran when it was made', () => {
    const stop = (seen: number[]): Step => ({
      kind: 'stop-process',
      script: '/srv/w.php',
      uid: 1,
      interpreter: 'php',
      lockAs: { uid: 1, gid: 1 },
      grace: 30,
      seen,
    });
    const id = (seen: number[]): string =>
      planOf({ for: 'deploy', steps: [stop(seen)], workers: [], cannotUndo: [] }).id;
    expect(id([1, 2])).toBe(id([]));
  });
});

describe('splicing', () => {
  test('takes our line back and keeps every byte that others added around it', () => {
    fc.assert(
      fc.property(putCrontab, lines, lines, (step, above, below) => {
        const foreign = (all: string[]): string => all.map((l) => `# theirs ${l}`).join('');
        const edited = foreign(above) + step.after + foreign(below);
        const ours = step.edits[0]?.after[0] ?? '';
        fc.pre(wholeLines(edited).filter((l) => l === ours).length === 1);
        const back = (invert(step) as PutCrontab).edits;
        expect(spliceEdits(edited, back)).toEqual({
          is: 'spliced',
          text: foreign(above) + step.before + foreign(below),
        });
      }),
      { numRuns: runs },
    );
  });

  test('refuses when the line is gone, and when it stands there twice', () => {
    const edit = { line: 1, before: ['ours\n'], after: ['theirs\n'] };
    expect(spliceEdits('other\n', [edit]).is).toBe('gone');
    expect(spliceEdits('ours\nours\n', [edit]).is).toBe('ambiguous');
  });

  test('cuts into lines at newlines only: a form feed or U+2028 makes no new job', () => {
    expect(wholeLines('a\x0cb\u0085\nc')).toEqual(['a\x0cb\u0085\n', 'c']);
    fc.assert(
      fc.property(bytes, (text) => {
        expect(wholeLines(text).join('')).toBe(text);
      }),
      { numRuns: runs },
    );
  });
});

describe('text for the eye', () => {
  test('is UTF-8 where the bytes are, and keeps every byte where they are not', () => {
    expect(readable(bytesOf('Grüße →'))).toBe('Grüße →');
    expect(readable('\xff\xfe')).toBe('\xff\xfe');
  });
});
