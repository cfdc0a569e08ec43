// What the PHP guard costs: a winning and a refused start, and a start that the outer flock(1) turns away. Commands are
// started in turn and compared as ratios of medians.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = Number(process.env.ROUNDS ?? 100);
const have = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
if (have('php', '-v') && have('flock', '--version') && have('perl', '-v')) await bench();
else console.log('The guard is not measured: php, flock or perl is missing here.');

async function bench() {
  const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-'));
  const dir = join(scratch, 'lock');
  mkdirSync(dir, { mode: 0o700 });
  copyFileSync('templates/php/cronlatch-guard.php', join(scratch, 'cronlatch-guard.php'));
  const script = (name, lock, work) => {
    const line = `(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${dir}', 'name' => '${lock}']);\n`;
    writeFileSync(join(scratch, name), `<?php\n${lock === '' ? '' : line}${work}\n`);
    return ['php', join(scratch, name)];
  };
  const outer = (lock, command) => ['flock', '-n', '-E', '0', '-o', join(dir, lock), ...command];
  const nothing = 'exit;';
  const job = 'usleep(100000);'; // a tenth of a second of work: the smallest job that is worth a cron entry
  const refused = script('refused.php', 'held', nothing);
  const holder = spawn('flock', ['-F', join(dir, 'outer'), ...script('holder.php', 'held', 'sleep(3600);')], {
    stdio: 'ignore',
  });
  while (!existsSync(join(dir, 'held.pid'))) await new Promise((done) => setTimeout(done, 10));

  const zero = ['php', '-r', '0;'];
  const bare = script('bare.php', '', nothing);
  const rows = [
    {
      name: 'winner, a job of 0.1 s',
      than: script('bare-job.php', '', job),
      what: script('job.php', 'job', job),
      limit: 1.02,
    },
    { name: 'winner, no work at all', than: bare, what: script('empty.php', 'empty', nothing) },
    { name: 'refused start', than: zero, what: refused, limit: 1.05 },
    { name: 'refused by an outer flock(1)', than: zero, what: outer('outer', refused), limit: 0.1 },
  ];
  console.log(`\nThe guard, PHP, ${rounds} rounds in turn, medians`);
  for (const { name, than, what, limit } of rows) {
    const [a, b] = medians(than, what);
    const ratio = b / a;
    const verdict = limit === undefined ? '' : `  (limit ${limit}: ${ratio <= limit ? 'ok' : 'MISSED'})`;
    if (limit !== undefined && ratio > limit) process.exitCode = 1;
    console.log(
      `${name.padEnd(52)} ${b.toFixed(2).padStart(6)} ms  without ${a.toFixed(2)} ms  ratio ${ratio.toFixed(3)}${verdict}`,
    );
  }
  holder.kill('SIGTERM');
  await new Promise((done) => holder.on('exit', done));
  rmSync(scratch, { recursive: true, force: true });
}

// Perl starts a program with next to nothing of its own around it; Node's own way takes longer than a whole flock(1).
function medians(...commands) {
  const code = `use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
    my ($rounds, @c) = (shift @ARGV, []);
    for (@ARGV) { if ($_ eq ';;') { push @c, [] } else { push @{$c[-1]}, $_ } }
    for (1 .. $rounds) { for my $i (0 .. $#c) {
      my $from = clock_gettime(CLOCK_MONOTONIC);
      my $pid = fork;
      if (!$pid) { exec @{$c[$i]} or exit 127 }
      waitpid $pid, 0;
      die "@{$c[$i]} ended with $?" if $?;
      printf "%d %f\\n", $i, (clock_gettime(CLOCK_MONOTONIC) - $from) * 1000;
    } }`;
  const argv = commands.flatMap((command, i) => (i === 0 ? command : [';;', ...command]));
  const ran = spawnSync('perl', ['-e', code, String(rounds), ...argv], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(ran.stderr);
  const lines = ran.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  return commands.map((_, i) => median(lines.filter(([which]) => which === i).map(([, ms]) => ms)));
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
}
