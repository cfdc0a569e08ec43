// Looking at a lock and trying it, as cronlatch and a site owner do, and the guard in front of a script.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { has, hasPhp, kinds, loud, stage } from './harness.ts';

let at: ReturnType<typeof stage>;
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

describe.each(kinds)('the %s guard', { timeout: 120_000 }, (kind) => {
  const worker = (options?: Record<string, number | boolean>, dir?: string) => [
    kind,
    at.script(kind, options, dir),
  ];
  const hold = async (options?: Record<string, number | boolean>, mode = 'block', on = at) => {
    const running = on.start([kind, on.script(kind, options), mode]);
    await running.says('ran');
    return running;
  };

  it('works from the entry, the script untouched', async () => {
    const script = join(at.root, kind === 'php' ? 'bare.php' : 'bare.mjs');
    writeFileSync(
      script,
      kind === 'php' ? '<?php echo "ran\\n"; fgets(STDIN);' : "console.log('ran'); process.stdin.resume();",
    );
    const path = join(at.root, kind === 'php' ? 'cronlatch-guard.php' : 'cronlatch-guard.mjs');
    const flags =
      kind === 'php'
        ? ['-d', `auto_prepend_file=${path}`, '-d', `cronlatch.dir=${at.dir}`, '-d', 'cronlatch.name=worker']
        : ['--import', `file://${path}?dir=${encodeURIComponent(at.dir)}&name=worker`];
    const running = at.start([kind, ...flags, script]);
    await running.says('ran');
    expect(await at.run([kind, ...flags, script])).toMatchObject({ code: 0, out: '', err: '' });
    expect(await at.run(worker())).toMatchObject({ code: 0, out: '' }); // the other form, the same lock
    running.child.stdin?.end();
    await running.ended;
    // both forms at once: the second call is the same process and does nothing
    expect(await at.run([kind, ...flags, ...worker().slice(1)])).toMatchObject({
      code: 0,
      out: 'ran\n',
      err: '',
    });
  });

  it.runIf(has('flock', '--version'))(
    'an outer flock(1) turns starts away before the interpreter, on a file of its own',
    async () => {
      const outer = (file: string, ...command: string[]) => [
        'flock',
        '-n',
        '-E',
        '0',
        '-o',
        file,
        ...command,
      ];
      const own = join(at.dir, 'outer');
      const running = at.start(outer(own, kind, at.script(kind), 'block'));
      await running.says('ran');
      const never = outer(own, 'sh', '-c', 'echo started');
      expect(await at.run(never)).toMatchObject({ code: 0, out: '', err: '' });
      expect(at.has('.log')).toBe(false); // the guard did not even see it
      expect(await at.run([kind, at.script(kind)])).toMatchObject({ code: 0, out: '', err: '' }); // by hand: it does
      expect(at.read('.log')).toContain('Another instance is already running');
      running.child.stdin?.end();
      expect(await running.ended).toMatchObject({ code: 0 });
      // On the guard's own file the worker would be its own other instance: 'never' in the docs.
      const locked = await at.run(outer(at.file('.lock'), kind, at.script(kind)));
      expect(locked.out).not.toContain('ran');
    },
  );

  it('probe shows refusal and recovery and leaves nothing', async () => {
    const run = await at.run(at.asks(kind, 'probe'));
    const shown = JSON.parse(run.out);
    expect(shown).toMatchObject({
      ok: true,
      acquired: true,
      errors: [],
      refused: { exit: 0 },
      stale: { recovered: true },
    });
    expect(shown.refused.message).toMatch(/^Another instance is already running \(PID: \d+\)\./);
    expect(shown.stale.message).toBe('Removing stale lock file from dead process (PID: 99999)');
    expect([run.code, readdirSync(at.dir)]).toEqual([0, []]);

    const missing = await at.run(at.asks(kind, 'probe', join(at.root, 'none')));
    expect(JSON.parse(missing.out)).toMatchObject({
      ok: false,
      errors: [`${join(at.root, 'none')} does not exist`],
    });
    expect([missing.code, existsSync(join(at.root, 'none'))]).toEqual([1, false]);
  });

  it('status looks and creates nothing', async () => {
    const ask = async (dir = at.dir) => JSON.parse((await at.run(at.asks(kind, 'status', dir))).out);
    expect(await ask()).toMatchObject({ held: false, record: null, holder: 'none', pid: null, dir: at.dir });
    expect(await ask(join(at.root, 'none'))).toMatchObject({ held: false, holder: 'none' });
    expect(readdirSync(at.dir)).toEqual([]);
    const running = await hold();
    expect(await ask()).toMatchObject({ held: true, holder: 'alive', pid: running.pid });
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await ask()).toMatchObject({
      held: false,
      holder: 'dead',
      pid: running.pid,
      record: { state: 'running' },
    });
    await at.run(worker());
    expect(await ask()).toMatchObject({ held: false, holder: 'none', record: { state: 'done' } });
  });
});

describe.skipIf(!hasPhp)('what only PHP can show', { timeout: 120_000 }, () => {
  it('#13: works without pcntl and posix', async () => {
    // pcntl is built into many a PHP; hosters switch such functions off
    const off = 'disable_functions=pcntl_signal,pcntl_async_signals,pcntl_alarm,getmypid,gethostname';
    const php = ['php', '-n', '-d', off, at.script('php')];
    const running = at.start([...php, 'block']);
    await running.says('ran');
    expect(await at.run(php)).toMatchObject({ code: 0, out: '', err: '' });
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await at.run(php, loud)).toMatchObject({
      code: 0,
      out: `Removing stale lock file from dead process (PID: ${running.pid})\nran\n`,
    });
    const status = await at.run(['php', '-n', '-d', off, ...at.asks('php', 'status').slice(1)]);
    expect(JSON.parse(status.out)).toMatchObject({ pcntl: false, posix: false, held: false });
  });

  it('#14: the hard limit ends a blocked worker, the next one runs', async () => {
    const end = await at.run(['php', at.script('php', { maxRuntime: 1 }), 'block']);
    expect(end).toMatchObject({ signal: 'SIGALRM' }); // a shell calls it 142
    expect(end.ms).toBeLessThan(2000);
    expect(await at.run(['php', at.script('php')])).toMatchObject({ code: 0, out: 'ran\n' });
  });

  it('leaves umask, error handling and the last error to the script', async () => {
    const script = join(at.root, 'clean.php');
    const line = `(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${at.dir}', 'name' => 'worker']);`;
    writeFileSync(
      script,
      `<?php declare(strict_types=1);\n${line}\nset_error_handler(function ($n, $m) { throw new Exception($m); });\n` +
        `${line}\nCronlatch\\Guard::shouldStop(); @unlink('${at.dir}/worker.pid');\nvar_dump(umask(), error_get_last(), headers_sent());`,
    );
    const run = await at.run([
      'sh',
      '-c',
      `umask 022; php -d error_reporting=-1 -d display_errors=1 ${script}`,
    ]);
    expect(run).toMatchObject({ code: 0, out: 'int(18)\nNULL\nbool(false)\n', err: '' });
  });

  it('says so when proc_open is switched off', async () => {
    const run = await at.run([
      'php',
      '-d',
      'disable_functions=proc_open',
      ...at.asks('php', 'probe').slice(1),
    ]);
    expect(JSON.parse(run.out)).toMatchObject({ ok: false, errors: [expect.stringContaining('proc_open')] });
    expect(readdirSync(at.dir)).toEqual([]);
  });
});
