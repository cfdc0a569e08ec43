// Places and people the guard will not work for, and poor places it still works in. Numbers: docs/guard.md.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody, has, isRoot, kinds, loud, stage } from './harness.ts';

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

  it.runIf(isRoot && has('setpriv', '--version'))('#8: the wrong user changes nothing', async () => {
    const before = readdirSync(at.dir);
    const nobody = await at.run([...asNobody, ...worker()]);
    expect(nobody.err).toBe(
      `worker: ${at.dir} belongs to uid 0, this process is uid 65534: run the task as the owner of the directory\n`,
    );
    expect(nobody.code).toBe(77);
    chownSync(at.dir, 65534, 65534);
    expect(await at.run(worker())).toMatchObject({ code: 77, out: '' });
    expect(await at.run(worker({}, join(at.dir, 'new')))).toMatchObject({ code: 77, out: '' });
    expect(readdirSync(at.dir)).toEqual(before);
    expect(await at.run([...asNobody, ...worker()])).toMatchObject({ code: 0, out: 'ran\n' });
  });

  it('#9: links are refused or replaced, never followed', async () => {
    const target = join(at.root, 'target');
    for (const exists of [true, false]) {
      rmSync(target, { force: true });
      if (exists) writeFileSync(target, 'theirs');
      symlinkSync(target, at.file('.lock'));
      expect(await at.run(worker())).toMatchObject({
        code: 77,
        err: `worker: ${at.file('.lock')} is a link or belongs to another user\n`,
      });
      unlinkSync(at.file('.lock'));
      expect(existsSync(target) ? readFileSync(target, 'utf8') : 'absent').toBe(exists ? 'theirs' : 'absent');
    }
    writeFileSync(target, '1\n');
    symlinkSync(target, at.file('.pid'));
    symlinkSync(target, at.file('.log'));
    expect(await at.run(worker())).toMatchObject({ code: 0, out: 'ran\n' });
    expect(readFileSync(target, 'utf8')).toBe('1\n');
    const linked = join(at.root, 'linked');
    symlinkSync(at.dir, linked);
    expect(await at.run(worker({}, linked))).toMatchObject({
      code: 77,
      err: `worker: ${linked} is not a real directory\n`,
    });
    chmodSync(at.dir, 0o777);
    expect(await at.run(worker())).toMatchObject({
      code: 77,
      err: `worker: ${at.dir} is writable for everybody\n`,
    });
  });

  it.runIf(has('cc', '--version'))(
    '#11: no lock on this file system is an error, not "already running"',
    async () => {
      writeFileSync(
        join(at.root, 'no.c'),
        '#include <errno.h>\nint flock(int f, int o) { errno = ENOLCK; return -1; }\n',
      );
      execFileSync('cc', ['-shared', '-fPIC', '-o', join(at.root, 'no.so'), join(at.root, 'no.c')]);
      expect(await at.run(worker(), { LD_PRELOAD: join(at.root, 'no.so') })).toMatchObject({
        code: 74,
        out: '',
        err: `worker: flock() is not possible on ${at.file('.lock')} (network file system?): refusing to run without a lock\n`,
      });
    },
  );

  it.runIf(isRoot && has('unshare', '-m', 'mount', '-t', 'tmpfs', 'x', '/mnt'))(
    '#12: a full disk stops nothing when the lock file is there',
    async () => {
      const inside = `mount -t tmpfs -o size=8k,mode=700 x ${at.dir} && cd ${at.dir} && : > worker.lock && chmod 600 worker.lock; dd if=/dev/zero of=fill bs=4k 2>/dev/null; `;
      const script = worker();
      const run = await at.run([
        'unshare',
        '-m',
        'sh',
        '-c',
        `${inside} mkfifo ${at.root}/f; ${script.join(' ')} block < ${at.root}/f > ${at.root}/ran & exec 9> ${at.root}/f; while [ ! -s ${at.root}/ran ]; do sleep 0.02; done; ${script.join(' ')}; echo lost $?; exec 9>&-; wait $!; echo won $?`,
      ]);
      expect(run).toMatchObject({ out: 'lost 0\nwon 0\n', err: '' });
    },
  );

  it.runIf(isRoot && has('unshare', '-m', 'true'))('#13: works without /proc', async () => {
    const hidden = (...command: string[]) => [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount -t tmpfs x /proc && exec ${command.join(' ')}`,
    ];
    const running = at.start(hidden(...worker(), 'block'));
    await running.says('ran');
    expect(await at.run(hidden(...worker()), loud)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Another instance is already running/),
    });
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await at.run(hidden(...worker()))).toMatchObject({ code: 0, out: 'ran\n', err: '' });
  });

  it('says why it cannot open the lock', async () => {
    expect(await at.run(worker({}, '/proc/nowhere/x'))).toMatchObject({
      code: 73,
      err: 'worker: cannot create /proc/nowhere/x\n',
    });
    if (!isRoot) return;
    chownSync(at.dir, 65534, 65534);
    chmodSync(at.dir, 0o500);
    expect(await at.run([...asNobody, ...worker()])).toMatchObject({
      code: 73,
      err: expect.stringMatching(/^worker: cannot open .*\.lock: .*permission denied/i),
    });
  });

  it.runIf(has('script', '--version'))('#18: a loser at a terminal says so', async () => {
    await hold();
    const lost = await at.run(['script', '-qec', worker().join(' '), '/dev/null']);
    expect(lost.out).toMatch(/^Another instance is already running \(PID: \d+\)\./);
  });
});

it('Node: perl or php take the lock where flock(1) is missing, and without any the worker does not run', async () => {
  const script = at.script('node');
  for (const tool of ['perl', 'php', 'none']) {
    const path = join(at.root, tool);
    mkdirSync(path);
    if (tool !== 'none' && !has(tool, '-v')) continue;
    if (tool !== 'none')
      symlinkSync(
        execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
        join(path, tool),
      );
    const run = (mode: string) => at.start([process.execPath, script, mode], { PATH: path });
    if (tool === 'none') {
      expect(await run('quick').ended).toMatchObject({
        code: 69,
        err: 'worker: none of flock(1), perl, php is here: no way to take the lock\n',
      });
      continue;
    }
    const holder = run('block');
    await holder.says('ran');
    expect(await run('quick').ended).toMatchObject({ code: 0, out: '' });
    expect(await at.run([process.execPath, script])).toMatchObject({ code: 0, out: '' }); // flock(1) sees that lock
    holder.child.stdin?.end();
    expect(await holder.ended).toMatchObject({ code: 0 });
  }
});
