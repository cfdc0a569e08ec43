// Run as root in a PID namespace of its own: a crowd of processes around one script, a deploy that is to stop the
// lock-less instances among them, and a look at who is left. argv: JSON. Prints one JSON line a round.
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';

const { rounds, home, tab, group, user, other, bin, jail, state } = JSON.parse(process.argv[2]);
const site = `${home}/site`;
const script = `${site}/scripts/worker.php`;
const source = '<?php\n$once = in_array("--once", $argv, true);\ndo { sleep(1); } while (!$once);\n';
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const own = { uid: user.uid, gid: user.gid };

const lay = (path, text, who = own, mode = 0o640) => {
  fs.mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  fs.rmSync(path, { force: true });
  fs.writeFileSync(path, text);
  fs.chownSync(path, who.uid, who.gid);
  fs.chmodSync(path, mode);
};
const argvOf = (pid) => {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, -1);
  } catch {
    return [];
  }
};
const alive = (pid) => {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
};
/** With the PID it names one process: numbers come round here within a second. */
const startOf = (pid) => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return 'gone';
  }
};
/** Asked without taking it: who tried the lock would be in the way of who is to have it. */
const holdsLock = (pid) => {
  try {
    return fs
      .readdirSync(`/proc/${pid}/fdinfo`)
      .some((fd) => /FLOCK/.test(fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')));
  } catch {
    return false;
  }
};
const running = [];
/** Starts one and waits until it is what it is to be. `kind`: what is to become of it. */
const start = async (name, kind, argv, { as = own, cwd = '/', ready = argv[0] } = {}) => {
  const child = spawn(argv[0], argv.slice(1), { cwd, ...as, stdio: 'ignore' });
  const one = { name, kind, pid: child.pid, signal: null, ended: false, start: startOf(child.pid) };
  child.on('exit', (_, signal) => Object.assign(one, { signal, ended: true }));
  running.push(one);
  for (let i = 0; i < 500 && argvOf(child.pid)[0] !== ready; i++) await pause(5);
  return one;
};
/** PIDs of the PHP processes below a process. */
const below = (pid) => {
  const children = fs
    .readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [
    ...(argvOf(child)[0]?.endsWith('php') ? [child] : []),
    ...below(child),
  ]);
};
const run = (...args) =>
  new Promise((done) => {
    const child = spawn(
      process.execPath,
      [bin, ...args, '--user', user.name, '--all', '--ci', '--grace', '20s', '--state-dir', state],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.on('close', (code) => done({ code, said }));
  });

// The same script in a jail: another path, another root, the same file.
for (const name of ['usr', 'lib', 'lib64', 'bin', 'etc', 'proc', 'dev']) {
  if (!fs.existsSync(`/${name}`)) continue;
  fs.mkdirSync(`${jail}/${name}`, { recursive: true });
  spawnSync('mount', ['--rbind', `/${name}`, `${jail}/${name}`]);
}

// An editor to everybody who looks: its name, the script in its argument list, and the file open.
const editor = `${home}/vim`;
fs.copyFileSync('/usr/bin/tail', editor);
fs.chmodSync(editor, 0o755);
const sudo = spawnSync('sudo', ['-n', '-u', user.name, 'true']).status === 0;

for (let round = 0; round < rounds; round++) {
  const wrong = [];
  fs.rmSync(site, { recursive: true, force: true });
  fs.rmSync(`${home}/cronlatch`, { recursive: true, force: true });
  fs.rmSync(state, { recursive: true, force: true });
  lay(script, source);
  lay(`${home}/other-site/scripts/worker.php`, source);
  lay(`${other.home}/worker.php`, source, other);
  lay(`${site}/scripts/reads-arguments.php`, '<?php sleep(600);');
  for (const path of [home, site, `${site}/scripts`]) fs.chownSync(path, user.uid, user.gid);
  fs.symlinkSync(script, `${home}/link.php`.concat(round));
  lay(`${home}/log`, '');
  spawnSync('mkfifo', ['-m', '666', `${site}/fifo`]);
  lay(
    tab,
    `HOME=${home}\n*/2 * * * * cd ${site} && /usr/bin/php scripts/worker.php\n`,
    { uid: user.uid, gid: group },
    0o600,
  );
  fs.mkdirSync(`${jail}/jailed`, { recursive: true });
  spawnSync('mount', ['--bind', site, `${jail}/jailed`]);

  const php = '/usr/bin/php';
  // To be stopped.
  await start('an absolute path', 'old', [php, script]);
  await start('a relative path', 'old', [php, 'worker.php'], { cwd: `${site}/scripts` });
  await start('a link to it', 'old', [php, `${home}/link.php${round}`]);
  await start('options in front', 'old', [php, '-d', 'memory_limit=64M', '-q', script]);
  await start(
    'in a jail',
    'old',
    ['chroot', `--userspec=${user.uid}:${user.gid}`, jail, php, '/jailed/scripts/worker.php'],
    {
      as: {},
      ready: php,
    },
  );
  // Wrappers: not signalled; what they run is an old instance.
  await start('sh -c', 'wrapper', ['/bin/sh', '-c', `${php} ${script}; sleep 600`]);
  await start('timeout', 'wrapper', ['timeout', '600', php, script]);
  await start('flock', 'wrapper', ['flock', `${home}/another.lock`, php, script]);
  if (sudo) {
    await start('sudo', 'wrapper', ['sudo', '-u', user.name, php, script], { as: {} });
    for (let i = 0; i < 500 && below(running.at(-1).pid).length === 0; i++) await pause(5);
  }
  // Nobody's business.
  await start('an editor', 'left', [editor, '-f', script]);
  await start('a shell that has it open', 'left', ['/bin/sh', '-c', `exec 3<>${script}; exec sleep 600`], {
    ready: 'sleep',
  });
  await start('tail -f', 'left', ['tail', '-f', `${home}/log`, script]);
  await start('grep', 'left', ['grep', 'worker.php', `${site}/fifo`]);
  await start('its name as an argument', 'left', [php, `${site}/scripts/reads-arguments.php`, script]);
  await start('its name behind -r', 'left', [php, '-r', 'sleep(600);', script]);
  await start('node with its name', 'left', [process.execPath, '-e', 'setInterval(() => {}, 1e6)', script]);
  await start('the same name of another site', 'left', [php, `${home}/other-site/scripts/worker.php`]);
  await start('another user', 'left', [php, `${other.home}/worker.php`], {
    as: { uid: other.uid, gid: other.gid },
  });
  await start('root on the same script', 'left', [php, script], { as: {} });
  await start(
    'the parent of a zombie',
    'left',
    ['/bin/sh', '-c', `${php} ${script} --once & exec sleep 600`],
    { ready: 'sleep' },
  );

  const prepared = await run('deploy', '--without', 'stop,verify');
  if (prepared.code !== 0) wrong.push(`deploy without stop: ${prepared.code} ${prepared.said}`);
  const said = `${home}/guarded.${round}`;
  const guarded = await start(
    'a guarded instance',
    'left',
    ['/bin/sh', '-c', `exec ${php} ${script} > ${said} 2>&1`],
    {
      ready: php,
    },
  );
  for (let i = 0; i < 2000 && !guarded.ended && !holdsLock(guarded.pid); i++) await pause(10);
  if (!alive(guarded.pid)) wrong.push(`the guarded instance did not start: ${fs.readFileSync(said, 'utf8')}`);
  // While we are at it somebody starts one program after the other, so that PIDs are given out again.
  let started = 0;
  const wheel = spawn('/bin/sh', ['-c', 'while :; do /bin/true; echo; done'], {
    ...own,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  wheel.stdout.on('data', (text) => (started += text.length));
  const inner = running.filter((one) => one.kind === 'wrapper').flatMap((one) => below(one.pid));
  if (inner.length !== (sudo ? 4 : 3)) wrong.push(`${inner.length} wrapped instances`);
  const done = await run('deploy', '--without', 'verify');
  wheel.kill('SIGKILL');
  if (!done.said.includes('PID namespace'))
    wrong.push(`what cannot be seen from here is not said: ${done.said}`);
  if (done.code !== 0) wrong.push(`deploy: ${done.code} ${done.said}`);

  for (const one of running) {
    if (one.kind === 'old' && !one.ended && alive(one.pid) && startOf(one.pid) === one.start)
      wrong.push(`still there: ${one.name}`);
    if (one.kind === 'left' && (one.ended || !alive(one.pid))) wrong.push(`gone: ${one.name}`);
    // timeout(1) and sudo(8) end by the signal that their child ended by, of their own accord.
    if (one.kind === 'wrapper' && !/^(timeout|sudo)$/.test(one.name) && one.signal !== null)
      wrong.push(`signalled: ${one.name}`);
    if (one.name === 'sh -c' && one.ended) wrong.push(`gone: ${one.name}`);
  }
  for (const pid of inner)
    if (alive(pid) && argvOf(pid)[0] === php) wrong.push(`still there: wrapped ${pid}`);
  for (const one of running) if (!one.ended) process.kill(one.pid, 'SIGKILL');
  for (const name of fs.readdirSync('/proc')) {
    // What they have left behind in turn; nobody else lives in this namespace.
    if (/^\d+$/.test(name) && /^(sleep|\/usr\/bin\/php)$/.test(argvOf(name)[0] ?? '')) {
      try {
        process.kill(Number(name), 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
  }
  while (running.some((one) => !one.ended)) await pause(5);
  running.length = 0;
  spawnSync('umount', [`${jail}/jailed`]);
  process.stdout.write(
    `${JSON.stringify({ round, wrong, started, highest: Number(fs.readFileSync('/proc/sys/kernel/pid_max')) })}\n`,
  );
}
