// Rollbacks beside other deployments, after crashes, from one form to another, and of what others have changed since.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { history } from '../../src/commands/history.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { verifyDeployment } from '../../src/commands/verify.ts';
import { Problem, words } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Fault, Killed, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, instance, script, source, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.processes = [];
});

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
const edit = (path: string, change: (text: string) => string): void => {
  const node = machine.live.get(path);
  if (node === undefined) throw new Error(`${path} is absent`);
  const { mode, uid, gid } = node;
  machine.put(path, change(node.bytes), { mode, uid, gid });
};

type Options = Parameters<typeof contextFor>[2] & { fault?: Fault };
const run = async (line: string, options: Options = {}) => {
  // Two commands never begin in the same millisecond.
  machine.clock += 1000;
  const server = memoryServer(machine, options.fault === undefined ? {} : { fault: options.fault });
  const told = await contextFor(server, line, options);
  const command = { deploy, rollback, verify: verifyDeployment, history }[line.split(' ')[0] as 'deploy'];
  return { ...(await command(told.ctx)), ...told, calls: server.calls(), log: server.log };
};
const problem = async (line: string, options: Options = {}): Promise<Problem> => {
  try {
    await run(line, options);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('no problem arose');
};
/** Kills the command before the first call that matches. */
const killAt = async (line: string, call: RegExp): Promise<void> => {
  const before = { clock: machine.clock, live: new Map(), latch: machine.latch };
  for (const [path, node] of machine.live) before.live.set(path, { ...node });
  const { log } = await run(line);
  machine.clock = before.clock;
  machine.live = before.live;
  machine.disk = new Map(before.live);
  machine.latch = undefined;
  const at = log.findIndex((name) => call.test(name)) + 1;
  expect(at, `no call ${call.source}`).toBeGreaterThan(0);
  await run(line, { fault: { at, kind: 'kill', when: 'before' } }).catch((error: unknown) => {
    if (!(error instanceof Killed) && !(error instanceof Problem)) throw error;
  });
  machine.restart();
};
const journals = (): string[] =>
  [...machine.live.keys()]
    .filter((path) => path.endsWith('.jsonl'))
    .map((path) => path.replace(/^.*\/|\.jsonl$/g, ''));
const deployed = async (line = 'deploy --all --ci --without verify'): Promise<string> => {
  const { exit, json } = await run(line);
  expect(exit).toBe(0);
  return json['deployment'] as string;
};
const fates = async (): Promise<[string, string][]> =>
  ((await run('history')).json['deployments'] as { command: string; state: string }[]).map((d) => [
    d.command,
    d.state,
  ]);

describe('beside another deployment', () => {
  const guard = `${home}/a/cronlatch-guard.php`;
  const both = '* * * * * php a/one.php\n* * * * * php a/two.php\n';
  const plain = '<?php\necho 1;\n';
  beforeEach(() => {
    machine.put(`${home}/a/one.php`, plain, own);
    machine.put(`${home}/a/two.php`, plain, own);
    machine.put(spool, both, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  });

  test('the guard that the other still calls stays, and is said to; the last one takes it away', async () => {
    const before = machine.picture();
    const first = await deployed('deploy --script one.php --ci --without verify');
    const second = await deployed('deploy --script two.php --ci --without verify');
    const { exit, out } = await run(`rollback ${first} --ci --keep-foreign-edits`);
    expect(exit).toBe(0);
    expect(out()).toContain('[guard-still-used]');
    expect(textOf(guard)).not.toBe('(absent)');
    expect(textOf(`${home}/a/one.php`)).toBe(plain);
    expect(textOf(`${home}/a/two.php`)).toContain('cronlatch-guard.php');
    expect((await run(`rollback ${second} --ci --keep-foreign-edits`)).exit).toBe(0);
    const after = machine.picture();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(textOf(spool)).toBe(both);
    expect(textOf(`${home}/a/two.php`)).toBe(plain);
  });

  test('a guard in the home stays for the entry of the other', async () => {
    const shared = `${home}/cronlatch/cronlatch-guard.php`;
    const first = await deployed('deploy --script one.php --guard entry --ci --without verify');
    const second = await deployed('deploy --script two.php --guard entry --ci --without verify');
    await run(`rollback ${first} --ci --keep-foreign-edits`);
    expect(textOf(shared)).not.toBe('(absent)');
    await run(`rollback ${second} --ci --keep-foreign-edits`);
    expect(textOf(shared)).toBe('(absent)');
    expect(textOf(spool)).toBe(both);
  });

  test('an older version of the guard is not put back under the other', async () => {
    const first = await deployed('deploy --script one.php --ci --without verify');
    edit(guard, () => '<?php // an older guard\nreturn fn () => null;\n');
    const second = await deployed('deploy --script two.php --ci --without verify');
    const current = textOf(guard);
    expect(current).not.toContain('an older guard');
    const { exit, out } = await run(`rollback ${second} --ci`);
    expect([exit, out()]).toEqual([0, expect.stringContaining('[guard-still-used]')]);
    expect(textOf(guard)).toBe(current);
    expect((await run(`rollback ${first} --ci`)).exit).toBe(5);
  });

  test('the line in a script that another entry is guarded by stays too', async () => {
    const twice = '* * * * * php a/one.php\n*/5 * * * * php a/one.php\n';
    machine.put(spool, twice, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
    const first = await deployed('deploy --entry 1 --ci --without verify');
    const second = await deployed('deploy --entry 2 --ci --without verify');
    await run(`rollback ${first} --ci --keep-foreign-edits`);
    expect(textOf(`${home}/a/one.php`)).toContain('cronlatch-guard.php');
    expect(textOf(guard)).not.toBe('(absent)');
    expect((await run(`rollback ${second} --ci --keep-foreign-edits`)).exit).toBe(0);
    expect(textOf(`${home}/a/one.php`)).toBe(plain);
    expect(textOf(guard)).toBe('(absent)');
    expect(textOf(spool)).toBe(twice);
  });
});

describe('another form', () => {
  test('is a state of its own: history names it, and verify without an id skips it', async () => {
    const id = await deployed();
    for (const form of ['disabled', 'long-running']) {
      expect((await run(`rollback --to ${form} --ci`)).exit).toBe(0);
      expect((await run('history')).out()).toContain(`${form} by `);
      const { exit, out } = await run('verify --max-wait 1s');
      expect([exit, out()]).toEqual([0, expect.stringContaining(`${id} is in its ${form} form`)]);
    }
  });

  test('follows another form, and the way back from the third is exact', async () => {
    await deployed();
    await run('rollback --to disabled --ci');
    const disabled = textOf(spool);
    await run('rollback --to long-running --ci');
    expect(textOf(spool)).toMatch(/^@reboot /m);
    expect(textOf(spool)).not.toContain('cronlatch: disabled');
    await run('rollback --to disabled --ci');
    expect(textOf(spool)).toBe(disabled);
    expect((await run('rollback --to disabled --ci')).out()).toContain('Nothing to change.');
    edit(spool, (text) => `# theirs\n${text}`);
    expect((await run('rollback --ci --keep-foreign-edits')).exit).toBe(0);
    expect(textOf(spool)).toBe(`# theirs\n${crontab}`);
    expect(textOf(script)).toBe(source);
  });

  test('after a form that a crash cut off, another and the way back are there', async () => {
    for (const call of [/^rename .*crontabs/, /^poke/]) {
      machine = incident();
      machine.processes = [];
      await deployed();
      await killAt('rollback --to disabled --ci', call);
      expect((await run('rollback --to long-running --ci')).exit).toBe(0);
      expect(textOf(spool)).toMatch(/^@reboot /m);
      expect((await run('rollback --ci')).exit).toBe(0);
      expect(textOf(spool)).toBe(crontab);
    }
  });

  test('is read by the rules of the server it was deployed on', async () => {
    await deployed('deploy --all --ci --without verify --dialect cronie');
    const journal = textOf(`/var/lib/cronlatch/deployments/${journals()[0]}.jsonl`);
    expect(journal).toContain('"dialect":"cronie"');
    // Debian's cron has no such line, and would not find what stands below it.
    edit(spool, (text) => text.replace('*/2 * * * *', '-*/2 * * * *'));
    expect((await run('rollback --to disabled --ci')).exit).toBe(0);
  });
});

describe('what a rollback leaves in the book', () => {
  test('a cut-off rollback is no rollback when another form follows it', async () => {
    const id = await deployed();
    await killAt('rollback --ci', /^write .*crontabs/);
    expect((await run(`rollback ${id} --to disabled --ci`)).exit).toBe(0);
    expect(await fates()).toEqual([
      ['rollback', 'rolled-back'],
      ['rollback', 'failed'],
      ['deploy', 'disabled'],
    ]);
    expect((await run('rollback --ci')).exit).toBe(0);
    expect(textOf(spool)).toBe(crontab);
  });

  test('what was put back by hand is recorded as put back', async () => {
    const before = machine.picture();
    const kept = new Map([...machine.live].map(([path, node]) => [path, { ...node }]));
    await deployed();
    const state = [...machine.live].filter(([path]) => path.startsWith('/var/lib/cronlatch'));
    machine.live = new Map([...kept, ...state]);
    expect((await run('rollback --ci')).out()).toContain('as they were before already');
    expect(machine.picture()).toEqual(before);
    expect(await problem('rollback --ci')).toMatchObject({ code: 'no-deployment' });
    expect(await fates()).toEqual([
      ['rollback', 'rolled-back'],
      ['deploy', 'rolled-back'],
    ]);
  });

  test('taken back once is enough: a newer deployment with the same bytes stays', async () => {
    const first = await deployed();
    const { json } = await run('rollback --ci');
    const by = (json['outcome'] as { as: string }).as;
    await deployed();
    const now = textOf(spool);
    const again = await run(`rollback ${first} --ci`);
    expect([again.exit, again.out()]).toEqual([0, `Already put back by ${by}.\n`]);
    expect(textOf(spool)).toBe(now);
    expect(await problem(`rollback ${first} --to disabled --ci`)).toMatchObject({
      code: 'taken-back',
      exit: 2,
    });
    expect((await run('history')).out()).toContain(`rolled-back by ${by}`);
  });
});

describe('a script that others changed since', () => {
  beforeEach(async () => {
    await deployed();
  });
  const guard = script.replace('process_import_jobs', 'cronlatch-guard');

  test('edited beside our line: only our line goes, in CI with a word of its own', async () => {
    edit(script, (text) => `${text}// theirs\n`);
    expect(await problem('rollback --ci')).toMatchObject({ code: 'foreign-edits', exit: 5 });
    expect((await run('rollback --ci --keep-foreign-edits')).exit).toBe(0);
    expect(textOf(script)).toBe(`${source}// theirs\n`);
    expect([textOf(spool), textOf(guard)]).toEqual([crontab, '(absent)']);
  });

  test('a release without our line stays to the byte, and the rest is taken back', async () => {
    edit(script, () => '<?php echo "release 2";\n');
    const { exit, out } = await run('rollback --ci');
    expect([exit, out()]).toEqual([0, expect.stringContaining('[script-replaced]')]);
    expect(textOf(script)).toBe('<?php echo "release 2";\n');
    expect([textOf(spool), textOf(guard)]).toEqual([crontab, '(absent)']);
  });

  test('one that still names the guard in another way is refused, and nothing is touched', async () => {
    edit(script, () => "<?php require_once __DIR__ . '/cronlatch-guard.php';\n");
    const before = machine.picture();
    const { exit, out } = await run('rollback --ci --keep-foreign-edits');
    expect([exit, out()]).toEqual([5, expect.stringContaining('[file-edited]')]);
    expect(machine.picture()).toEqual(before);
  });

  test('a changed mode is theirs and stays', async () => {
    machine.put(script, textOf(script), { ...own, mode: 0o600 });
    expect((await run('rollback --ci')).exit).toBe(0);
    expect(textOf(script)).toBe(source);
    expect(machine.live.get(script)?.mode).toBe(0o600);
  });
});

describe('a deployment that was cut off', () => {
  const line = 'deploy --all --ci --without verify';
  const cutOff = async (): Promise<string> => {
    await killAt(line, /^rename .*crontabs/);
    return journals().at(-1) as string;
  };

  test('is shown by --resume --dry-run, and not carried on', async () => {
    const id = await cutOff();
    const before = machine.picture();
    const { exit, out, json } = await run(`deploy --resume ${id} --dry-run`);
    expect([exit, json['outcome']]).toEqual([0, { is: 'planned', exit: 0 }]);
    expect(out()).toContain('Dry run: nothing was changed.');
    expect(machine.picture()).toEqual(before);
  });

  test('stands in the way of everything but its own rollback', async () => {
    const first = await deployed();
    machine.put(spool, `${textOf(spool)}* * * * * php two.php\n`, {
      uid: exampleUser.uid,
      gid: 104,
      mode: 0o600,
    });
    machine.put(`${home}/two.php`, '<?php\necho 2;\n', own);
    await killAt('deploy --script two.php --ci --without verify', /^rename .*crontabs/);
    const second = journals().at(-1) as string;
    const refused = await problem(`rollback ${first} --ci --keep-foreign-edits`);
    expect([refused.code, refused.exit]).toEqual(['unfinished', 5]);
    expect(words(refused).join('\n')).toContain(`cronlatch deploy --resume ${second}`);
    expect((await run(`rollback ${second} --ci`)).exit).toBe(0);
    expect((await run(`rollback ${first} --ci --keep-foreign-edits`)).exit).toBe(0);
  });

  test('is not to be carried on once its rollback was begun, and the advice names the rollback alone', async () => {
    const id = await deployed();
    await killAt('rollback --ci', /^rename .*scripts/);
    const refused = await problem(line);
    expect(refused).toMatchObject({ code: 'unfinished', args: { command: 'rollback' } });
    expect(words(refused).join('\n')).toContain(`cronlatch rollback ${id}`);
    expect(words(refused).join('\n')).not.toContain('--resume');
    expect((await run(`rollback ${id} --ci`)).exit).toBe(0);
    expect(await problem(`deploy --resume ${id} --ci`)).toMatchObject({ code: 'taken-back', exit: 2 });
  });

  test('and was settled as failed is not called finished', async () => {
    machine.programs = () => ({ code: 255, stdout: 'boom', stderr: '' });
    await problem(line);
    const id = journals()[0] as string;
    expect(await problem(`deploy --resume ${id} --ci`)).toMatchObject({ code: 'taken-back', exit: 2 });
  });

  test('is still unfinished when carrying it on fails or is interrupted, and both ways out are named', async () => {
    const id = await cutOff();
    const resume = `deploy --resume ${id} --ci --without verify`;
    const interrupted = await problem(resume, { heard: () => 'SIGINT' });
    expect([interrupted.code, interrupted.exit]).toEqual(['still-unfinished', 130]);
    edit(script, (text) => text);
    const kept = new Map([...machine.live].map(([path, node]) => [path, { ...node }]));
    const { log } = await run(resume);
    machine.live = kept;
    const at = log.findIndex((name) => /^rename .*crontabs/.test(name)) + 1;
    const failed = await problem(resume, { fault: { at, kind: 'fail', when: 'before' } });
    expect([failed.code, failed.exit]).toEqual(['still-unfinished', 4]);
    expect(words(failed).join('\n')).toContain(`--resume ${id}   Or put it back: cronlatch rollback ${id}`);
    expect((await run(resume)).exit).toBe(0);
  });
});

describe('what a failure says', () => {
  const line = 'deploy --all --ci --without verify --grace 5s';

  test('the first failure, also when the journal cannot be closed after it', async () => {
    machine.processes = [instance(501, { stubborn: true })];
    const server = memoryServer(machine);
    const { ctx } = await contextFor(server, line);
    const append = server.files.append.bind(server.files);
    server.files.append = async (path, bytes, as) => {
      if (bytes.includes('"is":"close"')) throw new Problem('not-written', { act: 'append to', path });
      return append(path, bytes, as);
    };
    const failed = await deploy(ctx).catch((error: unknown) => error as Problem);
    expect(failed).toMatchObject({ code: 'still-running', exit: 1 });
    expect(words(failed as Problem).join('\n')).toContain('could not be closed');
    expect(textOf(spool)).toBe(crontab);
  });

  test('that something was put back is said only where something was', async () => {
    expect(words(new Problem('not-written', { act: 'write', path: '/proc/x' })).join('\n')).toContain(
      'Nothing was changed by this step.',
    );
    const { log } = await run(line);
    machine = incident();
    const at = log.findIndex((name) => /^rename .*crontabs/.test(name)) + 1;
    machine.processes = [];
    const failed = await problem(line, { fault: { at, kind: 'fail', when: 'before' } });
    expect(words(failed).join('\n')).toContain('What had been done was put back.');
  });

  test('a state directory from the environment stands in the line that undoes', async () => {
    const env = { CRONLATCH_STATE_DIR: '/srv/state' };
    expect((await run(line, { env })).out()).toMatch(
      /^Undo: cronlatch rollback \S+ --state-dir \/srv\/state$/m,
    );
    const { out } = await run('rollback --to disabled --ci', { env });
    expect(out()).toMatch(/^To go all the way back: .* --state-dir \/srv\/state$/m);
  });
});

describe('a saved plan', () => {
  const file = '/root/plan.json';
  const save = `deploy --all --dry-run --save ${file}`;

  test.each([
    [
      'an interpreter for the checks',
      (text: string) => text.replace('"path": "/usr/bin/php"', '"path": "/tmp/php"'),
    ],
    ['another purpose', (text: string) => text.replace('"for": "deploy"', '"for": "rollback"')],
    ['null', () => 'null\n'],
    ['a plan that is null', () => '{"plan":null}\n'],
    ['a step that is none', (text: string) => text.replace(/"steps": \[/, '"steps": [null,')],
  ])('with %s in it is refused', async (_, change) => {
    await run(save);
    const before = textOf(file);
    edit(file, change);
    expect(textOf(file)).not.toBe(before);
    expect(await problem(`deploy --plan ${file} --ci`)).toMatchObject({ code: 'plan-unreadable', exit: 2 });
    expect(textOf(script)).toBe(source);
  });

  test('that only stops instances stops them', async () => {
    await deployed();
    machine.processes = [instance(501)];
    await run(save);
    const done = await run(`deploy --plan ${file} --ci --without verify`);
    expect([done.exit, machine.signals]).toEqual([0, ['SIGTERM 501']]);
    expect((await run(`deploy --plan ${file} --ci`)).out()).toContain('Already deployed.');
  });

  test('fits however many instances run by then', async () => {
    await run(save);
    machine.processes = [instance(501), instance(502)];
    expect((await run(`deploy --plan ${file} --ci --without verify`)).exit).toBe(0);
  });
});

test('a worker that is latched again after a rollback gets its old lock and log back', async () => {
  await run('deploy --all --ci --without verify');
  machine.put(`${home}/cronlatch/process_import_jobs/process_import_jobs.lock`, '', {
    uid: exampleUser.uid,
    gid: exampleUser.gid,
  });
  const first = textOf(spool);
  await run('rollback --ci');
  expect(textOf(spool)).not.toBe(first);
  await run('deploy --all --ci --without verify');
  expect(textOf(spool)).toBe(first);
});
