// The logrotate example with the real logrotate: a running worker loses no line, and its lock is not touched.
import { chmodSync, chownSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asNobody, has, hasPhp, isRoot, stage } from './harness.ts';

let at: ReturnType<typeof stage>;
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

const missing = !isRoot
  ? 'not root'
  : !has('logrotate', '--version')
    ? 'no logrotate'
    : !hasPhp
      ? 'no PHP'
      : '';

it.skipIf(missing !== '')(
  `the worker’s log is turned over under it, its lock stays${missing && ` (${missing})`}`,
  { timeout: 120_000 },
  async () => {
    const log = at.dir.replace(/lock$/, 'lock/output.log');
    chownSync(at.dir, 65534, 65534);
    const example = readFileSync(new URL('../../templates/logrotate/cronlatch', import.meta.url), 'utf8');
    const config = join(at.root, 'logrotate.conf');
    const text = example
      .replace('/var/www/vhosts/example.com/cronlatch/*/output.log', log)
      .replace('su example-user psacln', 'su nobody nogroup');
    expect(text).toContain(log);
    expect(text).toContain('su nobody');
    writeFileSync(config, text);
    chmodSync(config, 0o644);
    const rotate = (...flags: string[]) =>
      at.run(['logrotate', '--state', join(at.root, 'state'), ...flags, config]);
    expect(await at.run(['logrotate', '--debug', config])).toMatchObject({ code: 0 });

    const script = at.script('php');
    const tick = (mode: string) =>
      at.start([...asNobody, 'sh', '-c', `umask 077; exec php ${script} ${mode} >> ${log} 2>&1`]);
    const worker = tick('echo');
    const wrote = async (file: string, words: string) => {
      while (!existsSync(file) || !readFileSync(file, 'utf8').includes(words))
        await new Promise((done) => setTimeout(done, 20));
    };
    await wrote(log, 'ran');
    const lock = statSync(at.file('.lock')).ino;
    expect(await rotate('--force')).toMatchObject({ code: 0, err: '' });
    worker.child.stdin?.write('late\n');
    await wrote(`${log}.1`, 'late');
    expect(readFileSync(`${log}.1`, 'utf8')).toBe('ran\nlate\n');
    expect(statSync(at.file('.lock')).ino).toBe(lock);

    expect(await tick('quick').ended).toMatchObject({ code: 0 }); // refused, in silence, and the new log is there
    expect(readFileSync(log, 'utf8')).toBe('');
    worker.child.stdin?.end();
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await tick('quick').ended).toMatchObject({ code: 0 });
    expect(readFileSync(log, 'utf8')).toBe('ran\n');
    expect(statSync(log).uid).toBe(65534);
  },
);
