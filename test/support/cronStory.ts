// One deploy under the real cron from the pile-up to the rollback: the same story for every place an entry can stand.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type As, type Cron, type Ran, startCron, until } from './cron.ts';
import { makeUser } from './cronPeople.ts';
import { type Counted, instances, isAlive, startOf } from './cronProcesses.ts';

export interface Case {
  readonly name: string;
  /** Who runs cronlatch. */
  readonly by: 'root' | 'user';
  /** Where the entry stands: installed by crontab(1), laid into the spool without its header, or a file of /etc/cron.d. */
  readonly place: 'crontab' | 'bare spool' | 'cron.d';
  /** The entry's command; `home` and `script` are the user's. */
  readonly command: (home: string, script: string) => string;
  /** 'deaf' ignores SIGTERM, as a busy worker does. */
  readonly worker: 'php' | 'deaf php' | 'node';
  readonly flags?: readonly string[];
  /** cronlatch works on another spool than cron reads: what it installs is never seen. */
  readonly apart?: true;
  /** Seconds a job takes without --once, where it is not the usual time. */
  readonly endless?: number;
}

/**
 * How long a job takes: two and a half ticks, so that runs meet. Without --once it goes on for longer, as in the
 * incident: those a deploy begins with have to be there when it comes to end them, however slow the machine is.
 */
const jobSeconds = { once: 5, endless: 20 };

/** Ticks that the tests watch a latched worker for. */
const watched = process.env['CRONLATCH_STRESS'] ? 40 : 5;

/** Handles one job a run, longer than cron's interval, and tells when. Without --once it was meant to run for ever. */
const workers: Record<Case['worker'], (endless: number) => string> = {
  php: (endless) => phpWorker(endless, ''),
  'deaf php': (endless) => phpWorker(endless, 'pcntl_signal(SIGTERM, SIG_IGN);'),
  node: (endless) => `// Handles one job a run.
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const once = process.argv.includes('--once');
const note = (what) =>
  appendFileSync(new URL('../../work', import.meta.url), \`\${what} \${process.pid} \${Date.now() / 1000}\\n\`);
note('begin');
await pause(once ? ${jobSeconds.once * 1000} : ${endless * 1000});
note('end');
console.log(\`job done by \${process.pid}\${once ? ' once' : ''}\`);
`,
};

function phpWorker(endless: number, more: string): string {
  return `<?php
// Handles one job a run.
declare(strict_types=1);

${more}
$root = dirname(__DIR__, 2);
$once = in_array('--once', $argv, true);
$note = function (string $what) use ($root): void {
    file_put_contents("$root/work", sprintf("%s %d %.6f\\n", $what, getmypid(), microtime(true)), FILE_APPEND);
};
$note('begin');
for ($i = 0; $i < ($once ? ${jobSeconds.once * 20} : ${endless * 20}); $i++) {
    usleep(50000);
}
$note('end');
echo 'job done by ', getmypid(), $once ? ' once' : '', "\\n";
`;
}

interface Look {
  readonly bytes: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: bigint;
  readonly inode: bigint;
}

interface Seen {
  /** Most at one time; losers on their way out not counted. */
  readonly most: number;
  readonly ticks: number;
  /** Every instance that was seen, losers too. */
  readonly all: readonly Counted[];
}

/** What happened, part by part; each test waits for its part. */
export interface Story {
  readonly before: Promise<Seen>;
  readonly deploy: Promise<Deployed>;
  readonly after: Promise<Seen & { jobs: Job[]; log: string; mails: string[] }>;
  readonly again: Promise<{ ran: Ran; first: Map<string, Look>; last: Map<string, Look> }>;
  readonly rollback: Promise<RolledBack>;
  readonly pileUp: Promise<Seen>;
}

interface Deployed {
  readonly ran: Ran;
  readonly report: Report;
  /** Legacy instances that ran when the deploy began, and which of them still ran when it was over. */
  readonly legacy: readonly Counted[];
  readonly left: readonly Counted[];
  readonly signalled: readonly { readonly pid: number; readonly signal: string }[];
  /** Every instance that was seen while it deployed. */
  readonly seen: readonly Counted[];
  readonly lookalikes: readonly { readonly name: string; readonly alive: boolean }[];
  readonly crontab: string;
}

export interface RolledBack {
  readonly ran: Ran;
  readonly installed: { readonly was: Look | string; readonly now: Look | string };
  readonly script: { readonly was: Look; readonly now: Look };
  /** What stands beside the script or the crontab that was not there before. */
  readonly leftBeside: readonly string[];
}

interface Job {
  readonly pid: number;
  readonly begin: number;
  readonly end: number | 'cut off';
}

export interface Report {
  readonly deployment: string;
  readonly outcome: { readonly is: string; readonly exit: number; readonly code?: string };
  readonly checks: readonly { readonly check: string; readonly is: string; readonly because: string }[];
}

/** Tells the whole story of one case in `directory`; the parts are there before it is over. */
export function tell(
  row: Case,
  directory: string,
  program: string,
): { story: Story; close: () => Promise<void> } {
  const ending: (() => Promise<void> | void)[] = [];
  const set = scene(row, directory, program, ending);
  const after = <A, B>(part: Promise<A>, next: (value: A, s: Scene) => Promise<B>): Promise<B> => {
    const promise = Promise.all([part, set]).then(([value, s]) => next(value, s));
    promise.catch(() => {}); // said by the test that waits for it
    return promise;
  };
  const before = after(set, (_, s) => untilSeveral(s));
  const deploy = after(before, (_, s) => deployNow(s));
  const watched = after(deploy, (_, s) => watchAfter(s));
  const again = after(watched, (_, s) => deployAgain(s));
  const rollback = after(again, (_, s) => rollBack(s));
  const pileUp = after(rollback, (_, s) => untilSeveral(s));
  return {
    story: { before, deploy, after: watched, again, rollback, pileUp },
    close: () => closing(pileUp, ending),
  };
}

/** A deploy that cannot end the old instances: what it left, and whether cron goes on as before. */
export interface Failure {
  readonly deploy: Promise<Deployed & Omit<RolledBack, 'ran'>>;
  readonly pileUp: Promise<Seen>;
}

/** Tells of a deploy that has to put everything back by itself. */
export function tellFailure(
  row: Case,
  directory: string,
  program: string,
): { story: Failure; close: () => Promise<void> } {
  const ending: (() => Promise<void> | void)[] = [];
  const set = scene(row, directory, program, ending);
  const deploy = set.then(async (s) => {
    await untilSeveral(s);
    return { ...(await deployNow(s)), ...(await standing(s)) };
  });
  const pileUp = Promise.all([set, deploy]).then(([s]) => untilSeveral(s));
  deploy.catch(() => {});
  pileUp.catch(() => {});
  return { story: { deploy, pileUp }, close: () => closing(pileUp, ending) };
}

export interface Crash extends Omit<RolledBack, 'ran'> {
  /** Milliseconds after the start of the deploy. */
  readonly at: number;
  readonly deploy: Ran;
  readonly rollback: Ran;
}

/** Tells of deploys that SIGKILL ends at these moments, each followed by a rollback. */
export function tellCrashes(
  row: Case,
  directory: string,
  program: string,
  moments: readonly number[],
): { story: Promise<Crash[]>; close: () => Promise<void> } {
  const ending: (() => Promise<void> | void)[] = [];
  const story = scene(row, directory, program, ending).then(async (s) => {
    const crashes: Crash[] = [];
    for (const at of moments) {
      await untilSeveral(s);
      const deploy = await s.cronlatch(['deploy', '--script', s.script, '--ci'], at);
      const rollback = await s.cronlatch(['rollback', '--ci']);
      crashes.push({ at, deploy, rollback, ...(await standing(s)) });
    }
    return crashes;
  });
  story.catch(() => {});
  return { story, close: () => closing(story, ending) };
}

async function closing(
  last: Promise<unknown>,
  ending: readonly (() => Promise<void> | void)[],
): Promise<void> {
  await last.catch(() => {});
  for (const end of [...ending].reverse()) await end();
}

interface Scene {
  readonly row: Case;
  readonly cron: Cron;
  readonly user: As;
  readonly script: string;
  readonly log: string;
  readonly state: string;
  /** The crontab's file as cron reads it. */
  readonly crontab: string;
  readonly original: { readonly crontab: Look | string; readonly script: Look };
  readonly lookalikes: readonly { readonly name: string; readonly pid: number; readonly start: number }[];
  cronlatch(args: readonly string[], killAfter?: number): Promise<Ran>;
}

async function scene(
  row: Case,
  directory: string,
  program: string,
  ending: (() => Promise<void> | void)[],
): Promise<Scene> {
  mkdirSync(directory);
  const user = makeUser(directory);
  const script = join(
    user.home,
    `httpdocs/scripts/process_import_jobs.${row.worker === 'node' ? 'mjs' : 'php'}`,
  );
  const log = join(user.home, 'logs/import.log');
  lay(user, script, workers[row.worker](row.endless ?? jobSeconds.endless));
  lay(user, log, '');
  // A time with all nine digits, longer ago than anything a deploy would leave.
  spawnSync('touch', ['-d', '@1700000000.123456789', script]);

  const cron = await startCron(directory);
  ending.push(() => cron.stop());
  const column = row.place === 'cron.d' ? `${user.name} ` : '';
  const text = `# jobs of example.com  \n\nMAILTO=ops@example.com\n*/1\t* * * *   ${column}${row.command(user.home, script)}\n* * * * * ${column}echo tick; echo >> ${user.home}/ticks\n`;
  const crontab = row.place === 'cron.d' ? join(cron.cronD, 'example') : join(cron.spool, user.name);
  if (row.place === 'crontab') {
    const ran = await cron.run(['crontab', '-u', user.name, '-'], { stdin: text });
    if (ran.code !== 0) throw new Error(ran.stderr);
  } else if (row.place === 'cron.d') {
    writeFileSync(crontab, text, { mode: 0o644 });
  } else {
    writeFileSync(crontab, text, { mode: 0o600 });
    chownSync(crontab, user.uid, lstatSync(cron.spool).gid);
  }
  await cron.notice();
  const state = row.by === 'root' ? join(directory, 'state') : join(user.home, 'state');
  const scope = row.place === 'cron.d' ? ['--file', '/etc/cron.d/example'] : ['--user', user.name];
  const spool = row.apart ? join(directory, 'other-spool') : undefined;
  const cronlatch: Scene['cronlatch'] = ([command = '', ...rest], killAfter) => {
    const where = command === 'deploy' && row.by === 'root' ? scope : [];
    const argv = [process.execPath, program, command, ...where, '--state-dir', state, '--json', ...rest];
    const late = killAfter === undefined ? {} : { killAfter };
    const apart = spool === undefined ? {} : { spool };
    return cron.run(argv, { fast: true, ...late, ...apart, ...(row.by === 'user' ? { as: user } : {}) });
  };
  if (spool !== undefined) spawnSync('cp', ['-a', dirname(cron.spool), spool]);
  const seen = spool === undefined ? crontab : join(spool, 'crontabs', user.name);
  const bare = { row, cron, user, script, log, state, crontab: seen, cronlatch };
  return {
    ...bare,
    lookalikes: lookalikes(bare, makeUser(directory), ending),
    original: { crontab: await crontabOf(bare), script: lookAt(script) },
  };
}

function lay(owner: As, path: string, text: string): void {
  const missing: string[] = [];
  for (let at = dirname(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const at of missing) {
    mkdirSync(at, { mode: 0o755 });
    chownSync(at, owner.uid, owner.gid);
  }
  writeFileSync(path, text, { mode: 0o640 });
  chownSync(path, owner.uid, owner.gid);
}

/** Processes that a pattern would take for the worker, and that nobody may end. */
function lookalikes(
  { row, user, script, log }: Pick<Scene, 'row' | 'user' | 'script' | 'log'>,
  stranger: As,
  ending: (() => void)[],
): Scene['lookalikes'] {
  const [program, idle] =
    row.worker === 'node'
      ? [process.execPath, 'setTimeout(() => {}, 600000);']
      : ['php', '<?php sleep(600);'];
  const word = script.slice(user.home.length + 1);
  lay(user, join(user.home, 'old', word), idle);
  lay(user, join(user.home, 'runner'), idle);
  lay(stranger, join(stranger.home, word), idle);
  const start = (name: string, as: As, cwd: string, argv: readonly string[], argv0?: string) => {
    const [file = '', ...args] = argv;
    const options = { uid: as.uid, gid: as.gid, cwd, stdio: 'ignore' as const };
    const child: ChildProcess = spawn(file, args, argv0 === undefined ? options : { ...options, argv0 });
    ending.push(() => {
      child.kill('SIGKILL');
    });
    const pid = child.pid ?? 0;
    return { name, pid, start: startOf(pid) };
  };
  const node = process.execPath;
  return [
    start('a script of the same name elsewhere', user, join(user.home, 'old'), [program, word]),
    start('another script with this one as its argument', user, user.home, [program, 'runner', script]),
    start('php -r with the path behind it', user, user.home, ['php', '-r', 'sleep(600);', script]),
    start('node -e with the path behind it', user, user.home, [node, '-e', 'setTimeout(()=>{},6e5)', script]),
    start('tail -f of the log', user, user.home, ['tail', '-f', log]),
    start('an editor', user, user.home, ['tail', '-f', script], 'vim'),
    start('one that calls itself php', user, user.home, ['tail', '-f', script], 'php'),
    start('another user with the same command line', stranger, stranger.home, [program, word]),
  ];
}

/** Watches until two instances of the old entry run at one time, for at most ten ticks. */
async function untilSeveral(scene: Scene): Promise<Seen> {
  const first = ticks(scene);
  const old = (one: Counted): boolean => !one.argv.includes('--once') && !one.locks && one.age >= 1;
  return watch(scene, (now) => now.filter(old).length > 1 || ticks(scene) > first + 10);
}

async function deployNow(scene: Scene): Promise<Deployed> {
  // At its fullest: when a third has come beside the two.
  await watch(scene, (now) => now.length > 1 && now.some((one) => one.age < 1));
  const legacy = running(scene);
  const flags = ['--script', scene.script, '--ci', '--ticks', '3', '--max-wait', '30m', '--grace', '10m'];
  let over = false;
  const [ran, { all: seen }] = await Promise.all([
    scene.cronlatch(['deploy', ...flags, ...(scene.row.flags ?? [])]).finally(() => {
      over = true;
    }),
    watch(scene, () => over),
  ]);
  const report = reportOf(ran);
  return {
    ran,
    report,
    legacy,
    left: legacy.filter((one) => isAlive(one.pid, one.start)),
    seen,
    signalled: signals(scene),
    lookalikes: scene.lookalikes.map(({ name, pid, start }) => ({ name, alive: isAlive(pid, start) })),
    crontab: readFileSync(scene.crontab, 'latin1'),
  };
}

async function watchAfter(scene: Scene): ReturnType<() => Story['after']> {
  const logged = readFileSync(scene.log, 'latin1').length;
  const mailed = scene.cron.mails().length;
  const worked = jobsOf(scene).length;
  const first = ticks(scene);
  const done = (): boolean =>
    jobsOf(scene)
      .slice(worked)
      .some((job) => job.end !== 'cut off');
  const seen = await watch(
    scene,
    () => ticks(scene) >= first + watched && (done() || ticks(scene) > first + 15 + watched),
    4, // seconds: the guard may look for two before it calls a holder dead. That no jobs overlap is asked of the jobs
  );
  return {
    ...seen,
    jobs: jobsOf(scene).slice(worked - 1), // the one that ran already, too
    log: readFileSync(scene.log, 'latin1').slice(logged),
    mails: scene.cron.mails().slice(mailed),
  };
}

async function deployAgain(scene: Scene): ReturnType<() => Story['again']> {
  const first = everything(scene);
  const flags = scene.row.by === 'root' ? ['--script', scene.script] : ['--all'];
  const ran = await scene.cronlatch(['deploy', ...flags, '--ci']);
  return { ran, first, last: everything(scene) };
}

async function rollBack(scene: Scene): Promise<RolledBack> {
  const ran = await scene.cronlatch(['rollback', '--ci']);
  return { ran, ...(await standing(scene)) };
}

/** Crontab and script as they were before the deploy and as they are now. */
async function standing(scene: Scene): Promise<Omit<RolledBack, 'ran'>> {
  return {
    installed: { was: scene.original.crontab, now: await crontabOf(scene) },
    script: { was: scene.original.script, now: lookAt(scene.script) },
    leftBeside: [scene.script, scene.crontab].flatMap((path) =>
      readdirSync(dirname(path)).filter((name) => name !== basename(path)),
    ),
  };
}

/** Counts instances every 50 ms until `done`; one without a lock counts from an age of so many seconds. */
async function watch(scene: Scene, done: (now: readonly Counted[]) => boolean, settled = 1): Promise<Seen> {
  const all = new Map<string, Counted>();
  const first = ticks(scene);
  let most = 0;
  await until(
    `instances of ${scene.row.name}`,
    () => {
      const now = running(scene);
      for (const one of now) all.set(`${one.pid}:${one.start}`, one);
      // Younger and without a lock: one that lost and is on its way out.
      most = Math.max(most, now.filter((one) => one.locks || one.age >= settled).length);
      return done(now);
    },
    180,
  );
  return { most, ticks: ticks(scene) - first, all: [...all.values()] };
}

function running({ row, script, user }: Scene): Counted[] {
  return instances(row.worker === 'node' ? 'node' : 'php', script, user.uid);
}

/** Ticks of cron so far, by what its own children wrote. */
function ticks(scene: Scene): number {
  const path = join(scene.user.home, 'ticks');
  return existsSync(path) ? lstatSync(path).size : 0;
}

function jobsOf(scene: Scene): Job[] {
  const path = join(scene.user.home, 'work');
  const jobs: { pid: number; begin: number; end: number | 'cut off' }[] = [];
  for (const line of existsSync(path) ? readFileSync(path, 'latin1').trim().split('\n') : []) {
    const [what, pid, at] = line.split(' ');
    if (what === 'begin') jobs.push({ pid: Number(pid), begin: Number(at), end: 'cut off' });
    const own = jobs.findLast((job) => job.pid === Number(pid));
    if (what === 'end' && own) own.end = Number(at);
  }
  return jobs;
}

/** Who got which signal, by the journal. */
function signals(scene: Scene): Deployed['signalled'] {
  const directory = join(scene.state, 'deployments');
  const lines = readdirSync(directory).flatMap((name) =>
    readFileSync(join(directory, name), 'utf8').split('\n'),
  );
  return lines
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((record) => record['is'] === 'signal')
    .map((record) => ({ pid: Number(record['pid']), signal: String(record['signal']) }));
}

async function crontabOf(scene: Pick<Scene, 'row' | 'crontab' | 'cron' | 'user'>): Promise<Look | string> {
  if (scene.row.by === 'root') return lookAt(scene.crontab);
  const env = ['env', 'CRONTAB_NOHEADER=N'];
  const { stdout } = await scene.cron.run([...env, 'crontab', '-l'], { as: scene.user });
  return stdout.split('\n').slice(3).join('\n');
}

export function reportOf(ran: Ran): Report {
  try {
    return JSON.parse(ran.stdout) as Report;
  } catch {
    throw new Error(`no JSON (exit ${ran.code}): ${ran.stdout}${ran.stderr}`);
  }
}

function lookAt(path: string): Look {
  const stat = lstatSync(path, { bigint: true });
  const { mode, uid, gid, mtimeNs, ino } = stat;
  const bytes = stat.isFile() ? readFileSync(path, 'latin1') : readdirSync(path).sort().join('\n');
  return { bytes, mode: Number(mode), uid: Number(uid), gid: Number(gid), mtime: mtimeNs, inode: ino };
}

/** Every file and directory that a deploy may write, except what running workers and cron write all the time. */
function everything(scene: Scene): Map<string, Look> {
  const looks = new Map<string, Look>();
  const visit = (path: string): void => {
    looks.set(path, lookAt(path));
    if (!lstatSync(path).isDirectory()) return;
    for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(dirname(scene.crontab));
  visit(scene.state);
  visit(join(scene.user.home, 'httpdocs'));
  looks.set(scene.user.home, lookAt(scene.user.home));
  looks.set(join(scene.user.home, 'cronlatch'), lookAt(join(scene.user.home, 'cronlatch')));
  return looks;
}
