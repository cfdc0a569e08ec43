// report: one report of the watches that were collected from many hosts, as text, JSON and a page.
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { summarise } from '../../src/monitor/summary.ts';
import { badHour, goodHour } from '../support/watchStory.ts';
import { ESC, json, run, scratch } from './harness.ts';

function watches(hosts: Readonly<Record<string, object | string>>): string {
  const directory = join(scratch(), 'watches');
  mkdirSync(directory);
  for (const [host, what] of Object.entries(hosts))
    writeFileSync(join(directory, `${host}.json`), typeof what === 'string' ? what : JSON.stringify(what));
  return directory;
}
const good = summarise(goodHour());
const bad = summarise(badHour());

describe.concurrent('report', () => {
  test.each([
    [{ a: good, b: good }, 0, 'pass'],
    [{ a: good, b: bad }, 3, 'fail'],
    [{ a: good, b: 'cut off {' }, 6, 'inconclusive'],
  ])('%#: its exit code is that of the worst host', async (hosts, exit, is) => {
    const directory = watches(hosts);
    const text = await run(['report', directory]);
    expect([text.code, text.err]).toEqual([exit, '']);
    expect(text.out).toMatch(/^2 hosts: /m);
    const ended = await run(['report', directory, '--json']);
    expect(ended.code).toBe(exit);
    expect(json(ended)).toMatchObject({ command: 'report', counts: { hosts: 2 }, outcome: { is, exit } });
  });

  test('writes a page for its owner only, with the same hosts, and over an older one', async () => {
    const directory = watches({ a: good, b: bad });
    writeFileSync(join(directory, 'notes.txt'), 'no watch\n');
    const page = join(directory, 'fleet.html');
    writeFileSync(page, 'old');
    const ended = await run(['report', directory, '--html', page, '--json']);
    expect(ended.code, ended.err).toBe(3);
    expect(json(ended)['html']).toBe(page);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
    expect(lstatSync(page).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(['a.json', 'b.json', 'fleet.html', 'notes.txt']);
  });

  test('a host that sends control characters moves no cursor', async () => {
    const ended = await run([
      'report',
      watches({ a: { host: `${ESC}[2Ja`, report: '', failed: `${ESC}]0;x\x07` } }),
    ]);
    expect(ended.code).toBe(6);
    expect(ended.out).not.toContain(ESC);
  });

  test('says what is missing', async () => {
    expect((await run(['report'])).code).toBe(2);
    expect((await run(['report', '/nonexistent'])).err).toContain('/nonexistent');
    const none = await run(['report', watches({})]);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('There is no watch in')]);
    const nowhere = await run(['report', watches({ a: good }), '--html', '/nonexistent/fleet.html']);
    expect([nowhere.code, nowhere.out]).toEqual([2, '']);
  });
});
