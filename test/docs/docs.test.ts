// The docs say what is true: commands exist, exit codes are those of the code, links lead somewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { help } from '../../src/cli/help.ts';
import { readLine } from '../../src/cli/line.ts';

const root = resolve(import.meta.dirname, '../..');
const docs = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).map((n) => `docs/${n}`),
].filter((n) => n.endsWith('.md'));
const text = (name: string): string => readFileSync(join(root, name), 'utf8');

describe('the docs', () => {
  test.each(docs)('%s: every command line in it is one that cronlatch understands', (name) => {
    const lines = [
      ...text(name).matchAll(/^\s*(cronlatch(?: .*)?)$/gm),
      ...text(name).matchAll(/`(cronlatch [^`]*)`/g),
    ].map((m) =>
      (m[1] ?? '')
        .replace(/#.*/, '')
        .replace(/\bCOMMAND\b/g, '')
        .trim(),
    );
    for (const line of lines) {
      if (/cronlatch-|cronlatch (?:is|makes)\b/.test(line)) continue;
      expect(() => readLine(line.split(/\s+/).slice(1)), line).not.toThrow();
    }
  });

  test.each(docs)('%s: every link to a file leads to one', (name) => {
    for (const [, target] of text(name).matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      if (target === undefined || /^https?:/.test(target)) continue;
      expect(existsSync(join(root, dirname(name), target)), `${name} → ${target}`).toBe(true);
    }
  });

  test('the README’s first screen shows both set-up commands and the three commands people came for', () => {
    const screen = text('README.md').split('\n').slice(0, 30).join('\n');
    for (const line of [
      'npm ci && npm start',
      'npm ci && npm test',
      'cronlatch scan',
      'cronlatch deploy',
      'cronlatch rollback',
      'never',
    ])
      expect(screen).toContain(line);
  });

  test('the recording on it is of this program: what its sandbox says stands in the source', () => {
    const svg = text('docs/sandbox.svg');
    const source = ['sandbox.ts', 'sandboxDatabase.ts']
      .map((name) => text(`src/commands/${name}`))
      .join('\n');
    const headings = [...svg.matchAll(/<tspan class="b">(\d) {2}([^<]+)<\/tspan>/g)];
    expect(headings.map(([, number]) => Number(number))).toEqual(headings.map((_, index) => index + 1));
    expect(headings.length).toBeGreaterThan(3);
    for (const [, , heading = ''] of headings)
      expect(source).toContain(heading.replace(/ \(PHP\)$/, '').replaceAll('&gt;', '>'));
    expect(svg.length).toBeLessThan(100_000);
    expect(svg).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
  });

  test('the exit codes of the docs are those of the program', () => {
    const type = /export type ExitCode = ([^;]+);/
      .exec(text('src/problem.ts'))?.[1]
      ?.split('|')
      .map((n) => n.trim());
    const table = [...text('docs/exit-codes.md').matchAll(/^\|\s*(\d+)\s*\|/gm)].map((m) => m[1]);
    expect(table).toEqual(type);
  });

  test('help fits a terminal of 80 columns', () => {
    for (const about of [undefined, ...commands.map((c) => c.name)]) {
      for (const line of help(about).split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });
});
