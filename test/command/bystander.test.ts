// The short cut for entries that have nothing to do with PHP or Node says what the close reading says, or nothing.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBystander } from '../../src/command/bystander.ts';
import { readClosely } from '../../src/command/read.ts';
import { entriesOf } from './corpus.ts';
import { pick } from './grammar.ts';

const RUNS = process.env['CRONLATCH_STRESS'] ? 200_000 : 5_000;

const words = pick(
  ...String.raw`/usr/local/bin/backup.sh wget curl mail -s --all x=1 A=1 cd /srv . source test [ ] -f export B=2 sleep 5 nice -n 10 sudo
  su -u joe -c flock /tmp/l sh bash timeout env xargs find -exec {} \; awk * /tmp/*.log $X $Z $(date) 'a b' "c $D" # #c a#b ! time
  > >> < 2>&1 /dev/null >& &> | || && ; & |& ( ) { } if then fi http://shop.example/php?a=1&b=2 https://x.example/node php node a.php
  artisan eval exec command docker npm pgrep -f \x61 \\ - -- = nohup setsid`.split(/\s+/),
);
const text = fc
  .array(fc.tuple(words, pick(' ', ' ', ' ', '', '\t')), { minLength: 1, maxLength: 7 })
  .map((list) => list.flat().join(''));

const surroundings = ['/bin/sh', '/bin/bash', '/usr/bin/fish'].map((shell) => ({
  shell,
  home: '/home/example-user',
  variables: new Map([
    ['HOME', '/home/example-user'],
    ['X', '/usr/bin/php'],
  ]),
}));

function same(what: string): boolean {
  const bystander = readBystander(what);
  if (bystander === undefined) return false;
  for (const around of surroundings) expect(readClosely(what, around), what).toEqual(bystander);
  return true;
}

describe('an entry that has nothing to do with PHP or Node', () => {
  test('is read as it is read closely', () => {
    let told = 0;
    fc.assert(
      fc.property(text, (what) => {
        if (same(what)) told++;
      }),
      { numRuns: RUNS },
    );
    expect(told).toBeGreaterThan(RUNS / 50);
  }, 600_000);

  test('also where it was collected', () => {
    for (const { command } of entriesOf(readFileSync('test/corpus/worker-lines.tsv', 'utf8'))) same(command);
    expect(same('/usr/local/bin/backup.sh --all > /var/log/backup.log 2>&1')).toBe(true);
    expect(same('mysqldump shop | gzip > /srv/shop-$(date +%F).gz')).toBe(true);
  });
});
