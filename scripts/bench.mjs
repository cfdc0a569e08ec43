// npm run bench: the figures of docs/performance.md. The commands of a group are run in turn, in one go, and compared as
// ratios of medians to a bare Node. Ends with 1 when a limit is missed.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { many, middle, ordinary, others, reader, twenty } from './benchFiles.mjs';

const rounds = Number(process.env.ROUNDS ?? 25);
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-'));
const put = (name, text) => {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
};
const cronlatch = (...args) => ['node', resolve('bin/cronlatch.js'), ...args];
const scan = (file, ...more) => cronlatch('scan', '--file', file, '--fail-on', 'never', ...more);
const bare = { name: 'bare node', argv: ['node', '-e', '0'] };

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function time({ argv, env = {}, before = () => {} }) {
  before();
  const start = process.hrtime.bigint();
  const ran = spawnSync(argv[0], argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (ran.status !== 0) throw new Error(`${argv.join(' ')} ended with ${ran.status}: ${ran.stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

let missed = 0;
function judge(says, holds) {
  if (!holds) missed++;
  return `  (${says}: ${holds ? 'ok' : 'MISSED'})`;
}

/** Runs the rows in turn, prints each, and gives back the medians. */
function compare(title, rows, times) {
  const here = [bare, ...rows.filter((row) => row.argv !== undefined)];
  for (const row of here) time(row);
  const taken = here.map(() => []);
  for (let round = 0; round < times; round++)
    for (const [at, row] of here.entries()) taken[at].push(time(row));
  const [node] = taken.map(median);
  console.log(`\n${title} (${times} rounds in turn, medians)`);
  for (const [at, row] of here.entries()) {
    const ratio = median(taken[at]) / node;
    const verdict = row.limit === undefined ? '' : judge(`limit ${row.limit}`, ratio <= row.limit);
    console.log(
      `${row.name.padEnd(54)} ${median(taken[at]).toFixed(0).padStart(6)} ms  ratio ${ratio.toFixed(2).padStart(6)}${verdict}`,
    );
  }
  for (const row of rows)
    if (row.argv === undefined) console.log(`${row.name.padEnd(54)} not installed: skipped`);
  return new Map(here.map((row, at) => [row.name, median(taken[at])]));
}

console.log(`Node ${process.version}`);
compare(
  'Start-up',
  [
    { name: '--version', argv: cronlatch('--version') },
    { name: '--help', argv: cronlatch('--help') },
    { name: 'scan of an ordinary crontab (19 lines)', argv: scan(put('ordinary', ordinary)), limit: 1.3 },
    { name: 'scan of 20 entries, 12 of them workers', argv: scan(put('twenty', twenty)), limit: 1.3 },
    { name: 'scan of the installed crontabs', argv: cronlatch('scan', '--fail-on', 'never'), limit: 1.3 },
  ],
  rounds,
);

// Debian takes no crontab of more than 10,000 lines.
const entries = 9_900;
const large = put('large', many(entries));
const work = join(scratch, 'work');
const state = join(scratch, 'state');
const peers = others(scratch, large);
const ours = 'deploy: parse, analyse, change one, write';
const alone = 'our reader alone: parse, change one, write';
const taken = compare(
  `${entries} entries, no two alike`,
  [
    {
      name: ours,
      argv: cronlatch(
        'deploy',
        '--file',
        work,
        '--entry',
        `${middle(entries)}`,
        '--yes',
        '--state-dir',
        state,
      ),
      before: () => {
        copyFileSync(large, work);
        rmSync(state, { recursive: true, force: true });
      },
      limit: 2.5,
    },
    { name: 'scan: parse, analyse, print every finding', argv: scan(large) },
    { name: alone, argv: reader(scratch, large, middle(entries)) },
    ...peers,
  ],
  Math.ceil(rounds / 2.5),
);
for (const { name, parses, argv } of peers) {
  if (!parses || argv === undefined) continue;
  for (const mine of [ours, alone]) {
    const times = taken.get(name) / taken.get(mine);
    console.log(`${mine} against ${name}: ${times.toFixed(1)} times as fast${judge('faster', times > 1)}`);
  }
}

// Only the time beyond Node's own start grows; from 1,000 up it is most of the time.
const sizes = [100, 1_000, 10_000, 100_000];
const grown = compare(
  'Growth of a scan',
  sizes.map((size) => ({
    name: `${size} entries`,
    argv: scan(put(`size${size}`, many(size)), '--dialect', 'cronie'),
  })),
  Math.max(1, Math.ceil(rounds / 12)),
);
const node = grown.get('bare node');
const points = sizes.slice(1).map((size) => [Math.log(size), Math.log(grown.get(`${size} entries`) - node)]);
const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
const [mx, my] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
const exponent =
  points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) /
  points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
console.log(
  `time beyond Node's start grows with the ${exponent.toFixed(2)}th power of the entries${judge('at most 1.15', exponent <= 1.15)}`,
);
for (const size of sizes)
  console.log(
    `  ${size} entries: ${(((grown.get(`${size} entries`) - node) * 1000) / size).toFixed(0)} µs each`,
  );

rmSync(scratch, { recursive: true, force: true });
if (missed > 0) console.log(`\n${missed} missed`);
process.exitCode = missed > 0 ? 1 : 0;
await import('./bench-guard.mjs');
await import('./bench-processes.mjs');
await import('./bench-sockets.mjs');
await import('./bench-monitor.mjs');
await import('./bench-wizard.mjs');
