// A day of a guarded worker under the real cron, every minute of it: one worker at a time, no mail, no growth. A minute
// passes in a fraction of a second; a short day in `npm test`, all 1,440 ticks in `npm run stress`.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cron, closeWorkshop, cronMissing, startCron, until, workshop } from '../support/cron.ts';
import { overlapsOf } from '../templates/contention.ts';
import { report, stress } from '../templates/harness.ts';

const ticks = stress ? 1440 : 20;
const tick = 250;
/** Real seconds of one worker's life: many ticks, so that many are refused and several take over. */
const life = stress ? 20 : 2;

let directory: string;
let cron: Cron;
beforeAll(async () => {
  if (cronMissing !== '') return;
  directory = workshop('day');
  cron = await startCron(directory, tick);
});
afterAll(async () => {
  if (cronMissing !== '') return;
  await cron.stop();
  closeWorkshop(directory);
});

test.skipIf(cronMissing !== '')(
  `#20, #18: ${ticks} ticks of cron: one worker at a time, no mail, flat memory${cronMissing && ` (${cronMissing})`}`,
  { timeout: 1_800_000 },
  async () => {
    const lock = join(directory, 'lock');
    const runs = join(directory, 'runs');
    const script = join(directory, 'worker.php');
    mkdirSync(lock, { mode: 0o700 });
    const guard = new URL('../../templates/php/cronlatch-guard.php', import.meta.url);
    copyFileSync(guard, join(directory, 'cronlatch-guard.php'));
    writeFileSync(
      script,
      `<?php
(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${lock}', 'name' => 'worker', 'maxTime' => ${life}]);
$from = hrtime(true);
for ($asked = 0; !Cronlatch\\Guard::shouldStop(); $asked++) {
    if ($asked === 100) { $before = memory_get_usage(); }
    usleep(500);
}
$run = implode(' ', [$from, hrtime(true), $asked, memory_get_usage() - $before]);
file_put_contents('${runs}', "$run\\n", FILE_APPEND);
`,
    );
    writeFileSync(join(cron.spool, 'root'), `* * * * * /usr/bin/php ${script}\n`, { mode: 0o600 });
    await cron.notice();

    const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
    const refused = (): number =>
      read(join(lock, 'worker.log')).split('Another instance is already').length - 1;
    const done = (): number[][] =>
      read(runs)
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(' ').map(Number));
    await until(`${ticks} ticks`, () => refused() + done().length >= ticks, 1700);

    const seen = done();
    report(`#20: ${seen.length} runs, ${refused()} refused, ${cron.mails().length} mails`);
    expect(seen.length).toBeGreaterThan(1);
    expect(refused()).toBeGreaterThan(seen.length);
    expect(overlapsOf(seen.map(([from = 0, to = 0]) => [from, to]))).toBe(0);
    expect(cron.mails()).toEqual([]);
    report(`#20: bytes grown in each run: ${seen.map(([, , asked, grown]) => `${grown} in ${asked} jobs`)}`);
    expect(Math.max(...seen.map(([, , , grown = 0]) => grown))).toBeLessThan(16_384);
  },
);
