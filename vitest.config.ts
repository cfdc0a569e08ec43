// How the tests run: one process per file, generous limits for the files that start real daemons.
import { configDefaults, defineConfig } from 'vitest/config';

/** What goes by a clock that the test drives, or counts what happens within a moment: one at a time, with nothing beside. */
const alone = [
  ...[
    'attack',
    'cron',
    'cronDays',
    'cronReads',
    'day',
    'failures',
    'fleetLarge',
    'gate',
    'kills',
    'monitor',
    'plesk',
  ],
  ...['pleskLarge', 'runs', 'stop'],
].map((name) => `test/machine/${name}.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { NO_COLOR: '1' },
    projects: [
      {
        extends: true,
        test: {
          name: 'beside',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...alone],
        },
      },
      { extends: true, test: { name: 'alone', include: alone, fileParallelism: false } },
    ],
  },
});
