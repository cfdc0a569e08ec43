// Refused connections in a log: every way they are written, and from when each is.
import { describe, expect, test } from 'vitest';
import { dateIn, refusalLines } from '../../src/database/logLines.ts';

const lines = {
  1203: [
    "SQLSTATE[HY000] [1203] User u12345_app already has more than 'max_user_connections' active connections",
    "ERROR 1203 (42000): User u12345_app already has more than 'max_user_connections' active connections",
    "mysqli_sql_exception: User u12345_app already has more than 'max_user_connections' active connections",
    'connect failed [1203]',
  ],
  1226: [
    "SQLSTATE[HY000] [1226] User 'u12345_app' has exceeded the 'max_user_connections' resource (current value: 5)",
    "ERROR 1226 (42000): User 'u' has exceeded the 'max_user_connections' resource (current value: 5)",
  ],
  1040: ['SQLSTATE[08004] [1040] Too many connections', 'ERROR 1040 (HY000): Too many connections'],
} as const;

describe('which lines speak of a refusal', () => {
  test.each(
    Object.entries(lines).flatMap(([errno, all]) => all.map((line) => [Number(errno), line] as const)),
  )('%s: %s', (errno, line) => {
    expect(refusalLines(`start\n[2026-11-24 10:00:00] ${line}\nend\n`).map((l) => l.errno)).toEqual([errno]);
  });

  test.each([
    'imported order 1203 of 1226',
    'job 1040 done',
    "SQLSTATE[HY000] [1226] User 'u' has exceeded the 'max_queries_per_hour' resource (current value: 9)",
    "SQLSTATE[HY000] [1045] Access denied for user 'u'@'localhost'",
    'max_user_connections is 5',
  ])('not: %s', (line) => {
    expect(refusalLines(line)).toEqual([]);
  });
});

describe('from when a line is', () => {
  const at = Date.UTC(2026, 10, 24, 10, 0, 1, 999);
  test.each([
    ['2026-11-24T10:00:01Z x', 0, at],
    ['[2026-11-24 10:00:01.123 UTC] x', 60, at],
    ['2026-11-24T11:00:01+01:00 x', 0, at],
    ['2026-11-24 05:00:01 -0500 x', 0, at],
    ['[24-Nov-2026 10:00:01 UTC] PHP Fatal error', 60, at],
    ['[24-Nov-2026 05:00:01 America/New_York] x', -300, at],
    ['[2026-11-24 10:00:01] no zone, a server in UTC', 0, at],
    ['[2026-11-24 10:00:01] no zone, a server east of UTC: the later reading', 60, at],
    ['[2026-11-24 05:00:01] no zone, a server west of UTC: the later reading', -300, at],
  ])('%s (%s)', (line, offset, expected) => {
    expect(dateIn(line, offset)).toBe(expected);
  });

  test('a line without a date has none', () => {
    expect(dateIn('job 12 done', 0)).toBe('undated');
    expect(dateIn('2026-99 nonsense', 0)).toBe('undated');
  });

  const refusal = lines[1203][0];
  const log = `[2026-11-24 10:00:00 UTC] ${refusal}\n#0 stack\n[2026-11-24 12:00:00 UTC] ${refusal}\n${refusal}\n`;

  test('what is dated before the deployment is not held against it', () => {
    const since = Date.UTC(2026, 10, 24, 11);
    expect(refusalLines(log).length).toBe(3);
    expect(refusalLines(log, { since }).length).toBe(2);
  });

  test('an undated line goes with the dated one above it; with none above it counts', () => {
    const since = Date.UTC(2026, 10, 24, 13);
    expect(refusalLines(log, { since })).toEqual([]);
    expect(refusalLines(`${refusal}\n`, { since }).map((l) => l.at)).toEqual(['undated']);
  });
});
