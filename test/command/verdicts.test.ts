// The collected lines, each with the verdict that was written down for it before there was code to give one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Command, Wish } from '../../src/command/command.ts';
import { readCommand } from '../../src/command/read.ts';
import { rewriteCommand } from '../../src/command/rewrite.ts';
import { entriesOf } from './corpus.ts';

const read = (name: string) => readFileSync(join(import.meta.dirname, '../corpus', name), 'latin1');

interface Row {
  readonly verdict: 'rewritten' | 'panel' | 'opaque' | 'broken';
  readonly said: string;
}

const verdicts = new Map(
  read('worker-verdicts.tsv')
    .split('\n')
    .filter((row) => row !== '' && !row.startsWith('#'))
    .map((row): [number, Row] => {
      const [number, verdict, said] = row.split('\t');
      return [Number(number), { verdict: verdict as Row['verdict'], said: said ?? '' }];
    }),
);
const entries = entriesOf(read('worker-lines.tsv'));

/** What a deploy would wish for, with PHP and Node in /usr/bin and a script that does not know --once. */
function wishFor({ interpreter, lookUp }: Command): Wish {
  const name = interpreter.word?.value ?? interpreter.kind;
  const found = name.startsWith('/') ? name : `/usr/bin/${name}`;
  // A login shell may set any PATH, so the name in it stays.
  return {
    log: '/log',
    once: false,
    ...(lookUp === 'login' && name !== found ? {} : { interpreter: found }),
  };
}

describe('the collected lines', () => {
  test('all have a verdict', () => {
    expect(entries).toHaveLength(103);
    expect([...verdicts.keys()]).toEqual(entries.map(({ number }) => number));
  });

  test('of those that start a PHP or Node script of the site itself at least 90 % are rewritten', () => {
    // Opaque lines about PHP or Node that would start: all but containers and package managers.
    const foreign = new Set(['no-worker', 'container', 'framework-binary']);
    const rows = [...verdicts.values()];
    const rewritten = rows.filter(({ verdict }) => verdict === 'rewritten').length;
    const left = rows.filter(({ verdict, said }) => verdict === 'opaque' && !foreign.has(said)).length;
    expect(rewritten / (rewritten + left)).toBeGreaterThan(0.9);
  });

  for (const { number, command: text, surroundings } of entries) {
    const row = verdicts.get(number);
    test(`line ${number} is ${row?.verdict}: ${text.slice(0, 60)}`, () => {
      const command = readCommand(text, surroundings);
      if (row?.verdict === 'opaque' || row?.verdict === 'broken') {
        expect(command.is === 'opaque' ? command.why : command.is).toBe(row.said);
        return;
      }
      if (command.is === 'opaque') throw new Error(`opaque: ${command.why} (${command.detail})`);
      const once = rewriteCommand(text, command, wishFor(command)).text;
      expect(once).toBe(row?.said);
      const again = readCommand(once, surroundings);
      if (again.is === 'opaque') throw new Error(`opaque after the rewrite: ${again.why} (${again.detail})`);
      expect(rewriteCommand(once, again, wishFor(again)).text).toBe(once);
    });
  }
});
