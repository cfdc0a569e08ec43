// npm run bench, the process table: our look at 5,000 processes beside that of `pgrep -f`, in turn, as a ratio of medians.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const wanted = Number(process.env.PROCESSES ?? 5_000);
const limit = 2;
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-processes-'));
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const count = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;

// One shell that starts them all and then waits, so that they end with its group.
const crowd = spawn('sh', ['-c', `i=0; while [ $i -lt ${wanted} ]; do sleep 600 & i=$((i+1)); done; wait`], {
  stdio: 'ignore',
  detached: true,
});
try {
  const outfile = join(scratch, 'processes.mjs');
  buildSync({
    entryPoints: ['src/server/processes.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const { localProcesses } = await import(outfile);
  for (let i = 0; i < 600 && count() < wanted; i++) await new Promise((done) => setTimeout(done, 100));
  const times = { ours: [], pgrep: [] };
  for (let round = 0; round < 12; round++) {
    const began = performance.now();
    await localProcesses.list();
    const between = performance.now();
    spawnSync('pgrep', ['-f', 'httpdocs/scripts/process_import_jobs.php']);
    const ended = performance.now();
    if (round < 2) continue; // both are warm then
    times.ours.push(between - began);
    times.pgrep.push(ended - between);
  }
  const ratio = median(times.ours) / median(times.pgrep);
  const verdict = ratio <= limit ? 'as wanted' : 'MISSED';
  console.log(`\nProcess table (${count()} processes)`);
  console.log(
    `list of processes against pgrep -f: ${median(times.ours).toFixed(0)} ms against ${median(times.pgrep).toFixed(0)} ms, ratio ${ratio.toFixed(2)} (at most ${limit}: ${verdict})`,
  );
  if (ratio > limit) process.exitCode = 1;
} finally {
  if (readFileSync(`/proc/${crowd.pid}/stat`, 'latin1')) process.kill(-crowd.pid, 'SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}
