// The program as one file, alone in a directory: as it is copied to a server without npm.
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasTmux, inTerminal, json, root, run, scratch, site, snapshot, timeless } from './harness.ts';

const directory = scratch();
const single = join(directory, 'cronlatch.cjs');
copyFileSync(join(root, 'dist/cronlatch.cjs'), single);
const alone = { bin: single, cwd: directory };

describe.concurrent('the single file', () => {
  test.each([['--version'], ['--help'], ['deploy --help'], ['completion bash']])(
    'says of “%s” what the package says',
    async (line) => {
      const args = line.split(' ');
      const ended = await run(args, alone);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toBe((await run(args)).out);
    },
  );

  test('scans as the package does', async () => {
    const at = site();
    const args = ['scan', ...at.on, '--json', '--fail-on', 'never'];
    expect(timeless((await run(args, alone)).out)).toBe(timeless((await run(args)).out));
  });

  test('deploys and puts back, to the byte', async () => {
    const at = site();
    const before = snapshot(at.directory, ['state']);
    const deployed = await run(['deploy', ...at.on, '--all', '--ci', '--json'], alone);
    expect(deployed.code, deployed.err).toBe(0);
    expect(json(deployed).outcome.is).toBe('deployed');
    expect(readFileSync(at.script, 'utf8')).toContain('cronlatch-guard');
    const back = await run(['rollback', ...at.stateFlags, '--ci'], alone);
    expect(back.code, back.err).toBe(0);
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });

  test('brings the driver of the database with it', async () => {
    const ended = await run(
      ['connections', '--db-user', 'u12345_app', '--db-socket', join(directory, 'none'), '--json'],
      alone,
    );
    expect(json(ended).outcome.is).toBe('unreached');
    expect(ended.code).toBe(6);
  });

  test.skipIf(!hasTmux)('asks on a terminal', () =>
    inTerminal(async (terminal) => {
      const at = site();
      terminal.start(
        `cronlatch() { '${process.execPath}' '${single}' "$@"; }\ncronlatch deploy ${[...at.on, '--all'].join(' ')}`,
      );
      await terminal.shows('Do this now?');
      terminal.keys('n', 'Enter');
      expect(await terminal.exit()).toBe(1);
    }),
  );
});
