// npm run bench: how long until the wizard's first question can be answered, against a bare Node in the same terminal. Both
// run in a pty of script(1), in turn; the wizard's time ends when its list stands there, and Ctrl-C ends the wizard.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ordinary } from './benchFiles.mjs';

const rounds = Number(process.env.ROUNDS ?? 25);
const limit = 2.5;

/** Milliseconds until the program has said `text`, or ended where no text is given. */
function until(command, text) {
  return new Promise((done, failed) => {
    const { CI: _, NO_COLOR: __, ...env } = process.env;
    const start = process.hrtime.bigint();
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...env, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    });
    const now = () => Number(process.hrtime.bigint() - start) / 1e6;
    let seen = '';
    let took;
    child.stdout.on('data', (bytes) => {
      seen += bytes;
      if (text === undefined || took !== undefined || !seen.includes(text)) return;
      took = now();
      child.stdin.end('\x03');
    });
    child.on('close', () => {
      if (text !== undefined && took === undefined) failed(new Error(`no question came: ${seen}`));
      else done(took ?? now());
    });
  });
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

if (spawnSync('script', ['--version']).status !== 0)
  console.log('\nscript(1) is not installed: the wizard is skipped');
else {
  const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-wizard-'));
  const crontab = join(scratch, 'crontab');
  writeFileSync(crontab, ordinary);
  mkdirSync(join(scratch, 'scripts'));
  const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;
  const wizard = [
    'node',
    ...[resolve('bin/cronlatch.js'), '--file', crontab, '--state-dir', join(scratch, 'state')].map(quote),
  ].join(' ');
  const empty = [];
  const bare = [];
  const first = [];
  for (let round = 0; round <= rounds; round++) {
    const [nothing, node, asked] = [
      await until('true'),
      await until('node -e 0'),
      await until(wizard, '?: help'),
    ];
    // The first round only warms the disk's cache.
    if (round > 0) empty.push(nothing);
    if (round > 0) bare.push(node);
    if (round > 0) first.push(asked);
  }
  // What the terminal and its shell take is in both.
  const [node, question] = [bare, first].map((list) => median(list) - median(empty));
  const ratio = question / node;
  console.log(
    `\nThe wizard, in a terminal (${rounds} rounds in turn, medians, the terminal's own time taken off)`,
  );
  console.log(`${'bare node'.padEnd(54)} ${node.toFixed(0).padStart(6)} ms  ratio   1.00`);
  console.log(
    `${'first question, ordinary crontab (19 lines)'.padEnd(54)} ${question.toFixed(0).padStart(6)} ms  ratio ${ratio.toFixed(2).padStart(6)}  (limit ${limit}: ${ratio <= limit ? 'ok' : 'MISSED'})`,
  );
  if (ratio > limit) process.exitCode = 1;
  rmSync(scratch, { recursive: true, force: true });
}
