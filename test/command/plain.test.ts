// The quick reader of plain shell text against unbash: the same tree to the last offset, or no tree at all.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parse } from 'unbash';
import { describe, expect, test } from 'vitest';
import { parsePlain } from '../../src/command/plain.ts';
import { entriesOf } from './corpus.ts';

const RUNS = process.env['CRONLATCH_STRESS'] ? 300_000 : 6_000;

/** unbash works some properties out when they are asked for, and hides them from a comparison until then. */
function whole(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(whole);
  if (typeof tree !== 'object' || tree === null) return tree;
  const node = tree as { toJSON?: () => object; type?: string; args?: unknown; redirects?: unknown };
  const flat = Object.fromEntries(
    Object.entries(node.toJSON?.() ?? node).map(([key, value]) => [key, whole(value)]),
  );
  return node.type === 'Command'
    ? { ...flat, args: whole(node.args), redirects: whole(node.redirects) }
    : flat;
}

const pieces = fc.constantFrom(
  ...String.raw`php cd nice -n 5 /srv/a.php --once --x=1 A=b A= A=$B A+=b $L \; {} {a,b} } { [ ] * *.log a? "q\r" #s
    t#u ~/v 1 2 10 10> 2>&1 > >> < >& &> &>> >| <> << | || && ; ;; & |& $( ( ) $1 $ " ' \ if then fi ! time export case esac
    in let [[ ]] $(( "$( )" date +%F /dev/null - -- =`.split(/\s+/),
  ...[
    '${M}/n',
    'C="d e"',
    "'f g'",
    '"h $I ${J} k"',
    '"o\\"p"',
    '\\ ',
    '`',
    '\n',
    '\xe9',
    '\xa0',
    '\r',
    '$(date +%F)',
    '"$(x | y)"',
  ],
);
const soup = fc
  .array(fc.tuple(pieces, fc.constantFrom(' ', ' ', ' ', '', '  ', '\t')), { maxLength: 9 })
  .map((list) => list.flat().join(''));

describe('plain shell text', () => {
  test('has the tree unbash makes of it', () => {
    let plain = 0;
    fc.assert(
      fc.property(soup, (text) => {
        const tree = parsePlain(text);
        if (tree === undefined) return;
        plain++;
        expect(whole(tree), text).toStrictEqual(whole(parse(text)));
      }),
      { numRuns: RUNS },
    );
    // A reader that takes nothing for plain would pass as well.
    expect(plain).toBeGreaterThan(RUNS / 20);
  }, 600_000);

  test('is what most collected lines are', () => {
    const commands = entriesOf(readFileSync('test/corpus/worker-lines.tsv', 'utf8')).map(
      ({ command }) => command,
    );
    const trees = commands.map(parsePlain);
    for (const [index, tree] of trees.entries()) {
      const text = commands[index] ?? '';
      if (tree !== undefined) expect(whole(tree), text).toStrictEqual(whole(parse(text)));
    }
    const involved = commands.filter((_, index) => trees[index] === undefined);
    for (const text of involved) expect(text).toMatch(/[(`]|\bexport\b/);
    expect(involved.length).toBeLessThan(commands.length / 5);
  });
});
