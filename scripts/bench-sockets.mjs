// npm run bench, who holds which connection: processor time of one look at every process's sockets, at 400 processes, ss(8) included.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const wanted = Number(process.env.PROCESSES ?? 400);
const limit = 100;
const rounds = 20;
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-sockets-'));
const count = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Milliseconds of processor time, our own and that of the children we waited for. */
function used() {
  const rest = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  const { user, system } = process.cpuUsage();
  // cutime and cstime, in hundredths of a second.
  return (user + system) / 1000 + 10 * (Number(rest[13]) + Number(rest[14]));
}

// Those of the bench before this one are ended, and the kernel takes its time with thousands.
for (let i = 0; i < 600 && count() > wanted; i++) await new Promise((done) => setTimeout(done, 100));
// Some of the others end meanwhile.
const more = Math.max(0, wanted + 20 - count());
const crowd = spawn('sh', ['-c', `i=0; while [ $i -lt ${more} ]; do sleep 600 & i=$((i+1)); done; wait`], {
  stdio: 'ignore',
  detached: true,
});
const path = join(scratch, 'sock');
// A server of the kind that is looked for: it listens.
const server = createServer(() => {}).listen(path);
try {
  const outfile = join(scratch, 'sockets.mjs');
  buildSync({
    entryPoints: ['src/server/sockets.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // execa reads its own package by require.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const { localSockets } = await import(outfile);
  for (let i = 0; i < 600 && count() < wanted; i++) await new Promise((done) => setTimeout(done, 100));
  const times = [];
  for (let round = 0; round < rounds + 2; round++) {
    const before = used();
    await localSockets.look({ socket: path });
    if (round >= 2) times.push(used() - before);
  }
  const verdict = median(times) <= limit ? 'as wanted' : 'MISSED';
  console.log(`\nSockets of all processes (${count()} processes)`);
  console.log(
    `one look: ${median(times).toFixed(0)} ms of processor time, median of ${rounds} (at most ${limit}: ${verdict})`,
  );
  if (median(times) > limit) process.exitCode = 1;
} finally {
  server.close();
  if (crowd.exitCode === null) process.kill(-crowd.pid, 'SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
}
