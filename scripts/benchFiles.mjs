// The crontabs of the bench, and how other tools are told to read one, change an entry and write it.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';

/** Nineteen lines as people have them: comments, settings, nine entries, most of them no workers. */
export const ordinary = String.raw`# ---- site crontab ----
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
`;

const dense = [
  '*/5 * * * * cd /var/www/vhosts/example.com && /opt/plesk/php/8.3/bin/php artisan schedule:run >> /dev/null 2>&1',
  '*/2 * * * *  php httpdocs/scripts/process_import_jobs.php',
  '0 3 * * * /usr/local/bin/backup.sh --all > /var/log/backup.log 2>&1',
  '15 4 * * 1-5 [ -x /usr/bin/php ] && nice -n 10 /usr/bin/php -q /srv/app/report.php --daily',
  '@daily find /tmp -name "a b" -mtime +3 -exec rm {} \\;',
];
export const twenty = `MAILTO=""\nSHELL=/bin/bash\n# twenty entries, twelve of them workers\n${dense
  .flatMap((line) => Array(4).fill(`${line}\n`))
  .join('')}`;

/** Twelve forms, seven of them workers; `i` makes each command another one. */
const forms = [
  (i) =>
    `*/5 * * * * cd /var/www/vhosts/site${i % 97}.example && /opt/plesk/php/8.3/bin/php worker.php --queue=q${i} >> logs/q${i}.log 2>&1`,
  (i) => `*/2 * * * *  php httpdocs/scripts/import_${i}.php`,
  (i) => `${i % 60} 3 * * * /usr/local/bin/backup.sh --set=${i} > /var/log/backup-${i}.log 2>&1`,
  (i) =>
    `${i % 60} 4 * * 1-5 [ -x /usr/bin/php ] && nice -n 10 /usr/bin/php -q /srv/app${i % 31}/report.php --daily ${i}`,
  (i) => `@daily find /tmp/cache-${i} -name "a b" -mtime +3 -exec rm {} \\;`,
  (i) => `*/10\t*\t*\t*\t*\t/usr/bin/php8.2\t/srv/tabs/job${i}.php\t--n=${i}`,
  (i) => `${i % 60} ${i % 24} * * * mysqldump shop${i} | gzip > /srv/dumps/shop${i}-$(date +\\%F).sql.gz`,
  (i) => `30 4 * * * mail -s "report ${i}" ops@example.com%Dear all,%number ${i}%`,
  (i) =>
    `*/15 * * * * APP_ENV=prod timeout 300 /usr/bin/node /srv/node${i % 53}/tick.mjs --id ${i} > /dev/null 2>&1`,
  (i) => `@hourly wget -q -O - "https://shop${i % 211}.example/cron.php?id=${i}" > /dev/null`,
  (i) =>
    `* * * * * cd '/srv/a b/${i}' && php -d memory_limit=256M bin/consume.php "mails ${i}" >> ~/mails.log 2>&1`,
  (i) => `${i % 60} 1 1-7 * sun sleep ${i % 50}; /usr/bin/php /srv/app${i % 31}/weekly.php ${i}`,
];

/** `entries` different entries, with a comment and a setting among every hundred. */
export function many(entries) {
  const lines = [];
  for (let i = 0; i < entries; i++) {
    if (i % 200 === 0) lines.push(`# block ${i / 200}`);
    if (i % 200 === 100) lines.push(`MAILTO=ops${i}@example.com`);
    lines.push(forms[i % forms.length](i));
  }
  return `${lines.join('\n')}\n`;
}

/** The line of a worker in the middle of `many(entries)`. */
export function middle(entries) {
  const lines = many(entries).split('\n');
  const half = Math.floor(lines.length / 2);
  return lines.findIndex((line, at) => at >= half && line.includes('import_')) + 1;
}

/** Our reader of crontabs by itself, bundled: what libraries do, schedules read and commands kept as text. */
export function reader(scratch, file, line) {
  const entry = join(scratch, 'reader.ts');
  const out = join(scratch, 'reader.cjs');
  writeFileSync(
    entry,
    `import { readFileSync, writeFileSync } from 'node:fs';
import { replaceCommand } from ${JSON.stringify(resolve('src/crontab/edit.ts'))};
import { parseCrontab } from ${JSON.stringify(resolve('src/crontab/parse.ts'))};
const [file, line] = [process.argv[2] ?? '', Number(process.argv[3])];
const crontab = parseCrontab(readFileSync(file, 'latin1'), { dialect: 'debian', system: false });
const found = crontab.lines.find((one) => one.number === line);
if (found?.is !== 'entry') throw new Error('no entry at ' + line);
const edited = replaceCommand(crontab, line, found.command.text + ' --once');
if (edited.is !== 'edited') throw new Error(edited.why);
writeFileSync(file + '.reader', edited.text, 'latin1');
`,
  );
  buildSync({
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minify: true,
  });
  return ['node', out, file, `${line}`];
}

const has = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

/**
 * Other tools on the same file: `parses` says that each entry is read, `native` that it is written in C. Those that are
 * not installed have no argv.
 */
export function others(scratch, file) {
  const python = join(scratch, 'change.py');
  writeFileSync(
    python,
    `import sys\nfrom crontab import CronTab\ncron = CronTab(tabfile=sys.argv[1])\njob = cron[5000]\njob.set_command(job.command + ' --once')\ncron.write(sys.argv[1] + '.out')\n`,
  );
  // Debian's package belongs to Debian's Python, which need not be the first on PATH.
  const interpreter = ['/usr/bin/python3', 'python3'].find((name) => has(name, '-c', 'import crontab'));
  const parser = join(scratch, 'parser.cjs');
  writeFileSync(
    parser,
    `const { CronFileParser } = require(${JSON.stringify(resolve('node_modules/cron-parser'))});\nCronFileParser.parseFileSync(process.argv[2]);\n`,
  );
  // whenever speaks to crontab(1): a stand-in that prints the file and keeps what it is given.
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'crontab'),
    `#!/bin/sh\nif [ "$1" = -l ]; then cat '${file}'; else cat > '${file}.out'; fi\n`,
  );
  chmodSync(join(bin, 'crontab'), 0o755);
  const schedule = join(scratch, 'schedule.rb');
  writeFileSync(schedule, "every 5.minutes do\n  command 'php /srv/new.php'\nend\n");
  return [
    {
      name: 'python-crontab: parse, change one, write',
      argv: interpreter === undefined ? undefined : [interpreter, python, file],
      parses: true,
    },
    { name: 'cron-parser CronFileParser: parse', argv: ['node', parser, file], parses: true },
    {
      name: 'whenever: add one, write (reads no entry)',
      argv: has('whenever', '--version')
        ? ['whenever', '--update-crontab', 'bench', '--load-file', schedule]
        : undefined,
      env: { PATH: `${bin}:${process.env.PATH}` },
    },
    {
      name: 'crontab -n (written in C)',
      argv: has('crontab', '-n', file) ? ['crontab', '-n', file] : undefined,
    },
  ];
}
