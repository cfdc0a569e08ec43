// npm run bench: the figures of the docs. Commands are run in turn, in one go, and compared as ratios of medians.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const rounds = Number(process.env.ROUNDS ?? 25);
const cli = resolve('bin/cronlatch.js');
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-'));
const ordinary = join(scratch, 'ordinary');
const dense = join(scratch, 'dense');
const large = join(scratch, 'large');

const forms = [
  '*/5 * * * * cd /var/www/vhosts/example.com && /opt/plesk/php/8.3/bin/php artisan schedule:run >> /dev/null 2>&1',
  '*/2 * * * *  php httpdocs/scripts/process_import_jobs.php',
  '0 3 * * * /usr/local/bin/backup.sh --all > /var/log/backup.log 2>&1',
  '15 4 * * 1-5 [ -x /usr/bin/php ] && nice -n 10 /usr/bin/php -q /srv/app/report.php --daily',
  '@daily find /tmp -name "a b" -mtime +3 -exec rm {} \\;',
];
const lines = (n) => Array.from({ length: n }, (_, i) => `${forms[i % forms.length]}\n`).join('');
// Nineteen lines as people have them: comments, settings, nine entries, most of them no workers.
writeFileSync(
  ordinary,
  String.raw`# ---- site crontab ----
# keep me exactly:  two  spaces
   # indented comment

SHELL=/bin/bash
PATH = "/usr/local/bin:/usr/bin"   
MAILTO=""
FOO='a  b'
*/5	*	*	*	*	/usr/bin/php  /srv/a.php   --x="a  b"
0 3 * * *   echo "two  spaces" | logger -t x
@daily /usr/bin/find /tmp -name "a b" -mtime +3 -exec rm {} \;
15 4 * * * date +\%F > /tmp/x-$(date +\%Y).log
30 4 * * * mail -s hi joe%Dear Joe,%%bye%
#0 5 * * * /usr/bin/disabled  --job
@reboot cd /srv && ./start.sh # trailing words
  7 7 * * 1-5  /srv/lead-ws.sh
0 0 * * sun,tue /srv/names.sh
0 0 1-7,15 */3 * /srv/lists.sh
# end comment
`,
);
writeFileSync(dense, `MAILTO=""\nSHELL=/bin/bash\n# twenty entries, twelve of them workers\n${lines(20)}`);
writeFileSync(large, lines(9_990));

const base = ['node', '-e', '0'];
const rows = [
  { name: '--version', argv: [cli, '--version'] },
  { name: '--help', argv: [cli, '--help'] },
  {
    name: 'scan of an ordinary crontab (--file, 19 lines)',
    argv: [cli, 'scan', '--file', ordinary, '--fail-on', 'never'],
    limit: 1.3,
  },
  {
    name: 'scan of 20 entries, 12 of them workers',
    argv: [cli, 'scan', '--file', dense, '--fail-on', 'never'],
    limit: 1.3,
  },
  { name: 'scan of the installed crontabs', argv: [cli, 'scan', '--fail-on', 'never'], limit: 1.3 },
  { name: 'scan of 9,990 entries', argv: [cli, 'scan', '--file', large, '--fail-on', 'never'] },
];

const time = (argv) => {
  const start = process.hrtime.bigint();
  const ran = spawnSync(argv[0], argv.slice(1), { stdio: 'ignore' });
  if (ran.status !== 0) throw new Error(`${argv.join(' ')} ended with ${ran.status}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
};
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

let failed = false;
console.log(`Node ${process.version}, ${rounds} rounds in turn, medians`);
for (const { name, argv, limit } of rows) {
  const command = ['node', ...argv];
  time(base);
  time(command);
  const bare = [];
  const ours = [];
  for (let i = 0; i < rounds; i++) {
    bare.push(time(base));
    ours.push(time(command));
  }
  const ratio = median(ours) / median(bare);
  const verdict =
    limit === undefined ? '' : ratio <= limit ? `  (limit ${limit}: ok)` : `  (limit ${limit}: MISSED)`;
  failed ||= limit !== undefined && ratio > limit;
  console.log(
    `${name.padEnd(52)} ${median(ours).toFixed(0).padStart(5)} ms  bare node ${median(bare).toFixed(0)} ms  ratio ${ratio.toFixed(2)}${verdict}`,
  );
}
rmSync(scratch, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
await import('./bench-guard.mjs');
