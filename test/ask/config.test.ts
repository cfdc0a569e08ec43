// Config files: what is taken from them, and slips that nobody is to pass over in silence.
import { expect, test } from 'vitest';
import { readAnswers } from '../../src/ask/config.ts';
import { flagNames } from '../../src/cli/line.ts';
import { Problem } from '../../src/problem.ts';

const read = (config: object) => readAnswers('c.json', config as Record<string, unknown>, flagNames());
const refusal = (config: object): string => {
  try {
    read(config);
  } catch (error) {
    if (error instanceof Problem) return `${error.args['what']}`;
    throw error;
  }
  return 'taken';
};

test('what stands above the workers is everybody’s, and $schema is no answer', () => {
  const worker = { script: 'a.php', log: '/srv/a.log' };
  expect(read({ $schema: 'x', ticks: 2, workers: [worker] })).toEqual({
    shared: { ticks: 2 },
    workers: [worker],
  });
  expect(read({ script: 'a.php' })).toEqual({ shared: { script: 'a.php' }, workers: [] });
});

test.each([
  [{ workers: 'a.php' }, "'workers' is no list"],
  [{ workers: ['a.php'] }, 'worker 1: it is no object'],
  [{ workers: [{ script: 'a' }, { user: 'x' }] }, 'worker 2: it is to name'],
  [{ workers: [{ script: 'a', entry: 3 }] }, 'worker 1: it is to name'],
  [{ workers: [{ script: 'a', sripct: 'b' }] }, "worker 1: 'sripct' is no answer"],
  [{ workers: [{ script: 'a', ci: true }] }, "'ci' can be given on the command line only"],
  [{ workers: [{ script: 'a', 'state-dir': '/x' }] }, "'state-dir' is about the whole run"],
  [{ all: true, workers: [{ script: 'a' }] }, "'all' stands beside 'workers'"],
  [{ script: 'a', workers: [{ script: 'a' }] }, "'script' stands beside 'workers'"],
  [{ workerz: [] }, "'workerz' is no answer"],
])('%j is refused', (config, says) => {
  expect(refusal(config)).toContain(says);
});
