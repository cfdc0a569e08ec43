// Many processes that all want one lock, and the count of how often two had it at once. The incident's recipe runs here, too.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { stage } from './harness.ts';

type Stage = ReturnType<typeof stage>;

interface Options {
  readonly starts?: number;
  /** Goes on until so many have had the lock. */
  readonly wins?: number;
  readonly launchers?: number;
  /** How long a winner works, in microseconds. */
  readonly work?: number;
  /** Kills one start in so many, at a random moment of its life. */
  readonly kill?: number;
  /** Somebody deletes the lock file every so many milliseconds. */
  readonly deleted?: number;
}

/** The incident's recipe as it was deployed: what the guard is measured against. `in` and `out` stand around its work. */
export function recipe(at: Stage): string {
  const path = join(at.root, 'recipe.php');
  writeFileSync(
    path,
    `<?php
$lock = '${at.file('.lock')}'; $pidFile = '${at.file('.pid')}';
if (file_exists($pidFile)) {
    $pid = (int) file_get_contents($pidFile);
    if ($pid && !posix_kill($pid, 0)) { @unlink($lock); @unlink($pidFile); }
}
$fp = fopen($lock, 'c');
if (!$fp || !flock($fp, LOCK_EX | LOCK_NB)) exit(0);
file_put_contents($pidFile, getmypid());
register_shutdown_function(function () use ($fp, $lock, $pidFile) { flock($fp, LOCK_UN); fclose($fp); @unlink($lock); @unlink($pidFile); });
$note = fn ($what) => file_put_contents($argv[2], $what . ' ' . getmypid() . ' ' . hrtime(true) . "\\n", FILE_APPEND);
$note('in'); usleep((int) $argv[3]); $note('out');
`,
  );
  return path;
}

/** Launchers that start one process after the other; all of them want the lock. */
export async function contend(at: Stage, commands: readonly (readonly string[])[], options: Options) {
  const { starts = Number.POSITIVE_INFINITY, wins = Number.POSITIVE_INFINITY, launchers = 8 } = options;
  const log = join(at.root, 'intervals');
  writeFileSync(log, '');
  const ends: { code: number | null; said: string; killed: boolean }[] = [];
  const killedAt = new Map<number, number>();
  let started = 0;
  const run = ([file = '', ...args]: readonly string[]) =>
    new Promise<void>((done) => {
      const child = spawn(file, [...args, 'interval', log, String(options.work ?? 10_000)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const out = { code: null as number | null, said: '', killed: false };
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data) => {
          out.said += data;
        });
      if (options.kill !== undefined && Math.random() * options.kill < 1) {
        const shoot = () => {
          if (child.exitCode !== null) return;
          out.killed = true;
          killedAt.set(child.pid ?? 0, Number(process.hrtime.bigint())); // alive until here
          child.kill('SIGKILL');
        };
        setTimeout(shoot, Math.random() * (file === 'php' ? 60 : 150));
      }
      child.on('close', (code) => {
        ends.push({ ...out, code });
        done();
      });
    });
  const won = () => readFileSync(log, 'latin1').split('in ').length - 1;
  const launch = async () => {
    while (started < starts && (started % 25 !== 0 || wins === Number.POSITIVE_INFINITY || won() < wins))
      await run(commands[started++ % commands.length] ?? []);
  };
  const remove = () => rmSync(at.file('.lock'), { force: true });
  const adversary = options.deleted === undefined ? undefined : setInterval(remove, options.deleted);
  await Promise.all(Array.from({ length: launchers }, launch));
  clearInterval(adversary);

  const open = new Map<string, number>();
  const intervals: [number, number][] = [];
  const close = (pid: string, entered: number, left: number | undefined) => {
    // Killed at work: it had the lock until the shot at the least.
    const end = left ?? Math.max(entered, killedAt.get(Number(pid)) ?? entered);
    intervals.push([entered, end]);
  };
  for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
    const [what, pid = '', time] = line.split(' ');
    const entered = open.get(pid);
    if (entered !== undefined) {
      close(pid, entered, what === 'out' ? Number(time) : undefined);
      open.delete(pid);
    }
    if (what === 'in') open.set(pid, Number(time));
  }
  for (const [pid, entered] of open) close(pid, entered, undefined);
  return {
    overlaps: overlapsOf(intervals),
    wins: intervals.length,
    starts: ends.length,
    kills: ends.filter((end) => end.killed).length,
    ends,
    said: ends.filter((end) => end.said !== '').map((end) => end.said),
  };
}

/** Sorted by start: an interval that begins before the latest end seen so far is one overlap. */
export function overlapsOf(intervals: [number, number][]): number {
  let overlaps = 0;
  let latest = 0;
  for (const [from, to] of intervals.sort((a, b) => a[0] - b[0])) {
    if (from < latest) overlaps++;
    if (to > latest) latest = to;
  }
  return overlaps;
}

const LOOPS = {
  /** The guard's own steps; the end of a process is played by what its end does: the PID file goes, the handle is closed. */
  guard: `require $argv[1] . '/cronlatch-guard.php';
Closure::bind(static function () use ($dir, $wanted, $note, $work) {
    self::quietly(static function () use ($dir, $wanted, $note, $work) {
        $guard = new self(['dir' => $dir, 'name' => 'worker']);
        for ($won = 0; $won < $wanted;) {
            if ($guard->tryLock() === 'got') { $note($work()); $won++; $guard->withdraw(); }
            fclose($guard->fp);
        }
    });
}, null, Cronlatch\\Guard::class)();`,
  recipe: `for ($won = 0; $won < $wanted;) {
    $fp = fopen("$dir/worker.lock", 'c');
    if (flock($fp, LOCK_EX | LOCK_NB)) {
        file_put_contents("$dir/worker.pid", getmypid());
        $note($work()); $won++;
        flock($fp, LOCK_UN); fclose($fp); @unlink("$dir/worker.lock"); @unlink("$dir/worker.pid");
    }
}`,
};

/** A few PHP processes that take and give back the lock again and again, `wins` times in all. */
export async function contendInside(at: Stage, way: keyof typeof LOOPS, wins: number, processes = 8) {
  const script = join(at.root, `${way}-loop.php`);
  writeFileSync(
    script,
    `<?php
[$dir, $wanted, $out] = [$argv[1] . '/lock', (int) $argv[2], fopen($argv[3], 'w')];
$work = static function () { $from = hrtime(true); while (hrtime(true) < $from + 20000); return pack('PP', $from, hrtime(true)); };
$note = static function (string $interval) use ($out) { fwrite($out, $interval); };
${LOOPS[way]}
`,
  );
  const files = Array.from({ length: processes }, (_, i) => join(at.root, `inside-${i}`));
  const ends = await Promise.all(
    files.map((file) => at.run(['php', script, at.root, String(Math.ceil(wins / processes)), file])),
  );
  const intervals = files.flatMap((file) => {
    const bytes = readFileSync(file);
    return Array.from({ length: bytes.length / 16 }, (_, i): [number, number] => [
      Number(bytes.readBigUInt64LE(i * 16)),
      Number(bytes.readBigUInt64LE(i * 16 + 8)),
    ]);
  });
  return {
    overlaps: overlapsOf(intervals),
    wins: intervals.length,
    said: ends.map((end) => end.out + end.err),
  };
}
