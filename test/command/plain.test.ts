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
const few = fc
  .array(fc.tuple(pieces, fc.constantFrom(' ', ' ', ' ', '', '  ', '\t')), { maxLength: 9 })
  .map((list) => list.flat().join(''));
const simple = fc.constantFrom(
  'cd /',
  'a b',
  '[ -x /a ]',
  'A=b c',
  'd > /e 2>&1',
  'x | y',
  'a && b',
  'fi',
  'a }',
  '',
);
const end = fc.constantFrom('; ', ' ; ', ' & ', ';', ' ');
const behind = fc.constantFrom(
  '',
  ' ',
  ' > f',
  '>> f 2>&1',
  ' &> f',
  '& ',
  ' 2>',
  ' x',
  ' < /dev/null',
  ';',
  ' }',
  ' fi',
);
/** Compound commands within each other, whole or a little broken. */
const { compound } = fc.letrec<{ compound: string; body: string }>((tie) => ({
  body: fc.oneof({ maxDepth: 3 }, simple, few, tie('compound')),
  compound: fc
    .tuple(
      fc.constantFrom(
        '(1)',
        '( 1 )',
        '( 1. )',
        '{ 1. }',
        '{ 1.}',
        'if 1.then 2.fi',
        'if 1.then 2.else 3.fi',
        '1 && 2',
        '1 || 2',
        '1 | 2',
        '1.2',
        '$(1)',
      ),
      tie('body'),
      tie('body'),
      tie('body'),
      end,
      behind,
    )
    .map(
      ([form, one, two, three, ends, rest]) =>
        form.replace(/[123.]/g, (mark) => ({ 1: one, 2: two, 3: three })[mark] ?? ends) + rest,
    ),
}));
const soup = fc.oneof(few, compound);

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

  test.each([
    ['Debian’s own crontab', 'test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }'],
    [
      'PHP’s on Debian',
      '[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi',
    ],
    ['a subshell with a log', '( cd /srv && ./a.sh; ./b.sh ) >> /var/log/a.log 2>&1'],
  ])('is what stands in %s', (_, text) => {
    const tree = parsePlain(text);
    expect(tree).toBeDefined();
    expect(whole(tree)).toStrictEqual(whole(parse(text)));
  });

  test.each(['( ', '{ ', 'if a; then '])('is not what nests ten thousand deep: %s', (open) => {
    expect(parsePlain(open.repeat(10_000))).toBeUndefined();
  });

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
