// npm run bench, the watch: processor time, memory and bytes of a watch with an administrator's session and of one with the
// account's own, over the same seconds, beside what the database spends on them. Needs root and a MariaDB; skipped without.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const seconds = Number(process.env.WATCH_SECONDS ?? 45);
const limits = { core: 1, memory: 120, database: 5, bytes: 2_000_000 };
const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-bench-monitor-'));
const children = [];
const begin = (argv, env = {}) => {
  const child = spawn(argv[0], argv.slice(1), { stdio: 'ignore', env: { ...process.env, ...env } });
  children.push(child);
  return child;
};
const sql = (socket, text) => {
  const ran = spawnSync('mariadb', ['--no-defaults', `-S${socket}`, '-uroot', '-N', '-e', text], {
    encoding: 'utf8',
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
};

/** A database of its own; `closed` shuts root out, so that the account's own session is all there is. */
async function database(name, closed) {
  const directory = join(scratch, name);
  const socket = join(directory, 'sock');
  mkdirSync(directory);
  spawnSync('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${directory}/data`,
    '--user=root',
    '--skip-test-db',
    '--auth-root-authentication-method=normal',
  ]);
  const server = begin([
    'mariadbd',
    '--no-defaults',
    `--datadir=${directory}/data`,
    `--socket=${socket}`,
    '--skip-networking',
    '--user=root',
    '--innodb-buffer-pool-size=16M',
    '--max-user-connections=5',
  ]);
  for (
    let i = 0;
    i < 200 && spawnSync('mariadb', ['--no-defaults', `-S${socket}`, '-uroot', '-e', 'DO 1']).status !== 0;
    i++
  )
    await pause(100);
  sql(
    socket,
    `CREATE DATABASE app; CREATE TABLE app.import_jobs (id INT PRIMARY KEY AUTO_INCREMENT, status VARCHAR(20));
    INSERT INTO app.import_jobs (status) SELECT 'pending' FROM mysql.help_topic LIMIT 500;
    CREATE USER u12345_app@localhost IDENTIFIED BY 'p'; GRANT ALL ON app.* TO u12345_app@localhost;
    ${closed ? "ALTER USER root@localhost IDENTIFIED BY 'p'" : ''}`,
  );
  return { socket, pid: server.pid };
}

/** Hundredths of a second of processor time. */
const cpu = (pid) => {
  const words = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return Number(words[11]) + Number(words[12]);
};

let missed = 0;
const judge = (value, limit, unit) => {
  if (value > limit) missed++;
  return `${value.toFixed(unit === 'MB' ? 0 : 2)} ${unit} (limit ${limit}: ${value <= limit ? 'ok' : 'MISSED'})`;
};

try {
  if (process.geteuid?.() !== 0 || !['mariadbd', 'mariadb-install-db', 'mariadb'].every(has)) {
    console.log('\nA watch: no MariaDB to be had as root: skipped');
  } else {
    const rows = [];
    for (const [name, closed] of [
      ['an administrator’s session', false],
      ['the account’s own', true],
    ]) {
      const db = await database(closed ? 'account' : 'admin', closed);
      const site = join(scratch, closed ? 'site-account' : 'site-admin');
      mkdirSync(site);
      chmodSync(site, 0o755);
      writeFileSync(join(site, 'worker.mjs'), 'setInterval(() => {}, 1000);\n');
      writeFileSync(
        join(site, 'crontab'),
        `* * * * * cd ${site} && ${process.execPath} worker.mjs >> ${site}/log 2>&1\n`,
      );
      writeFileSync(join(site, 'log'), '');
      begin([process.execPath, join(site, 'worker.mjs')]);
      const watch = begin(
        [
          process.execPath,
          resolve('bin/cronlatch.js'),
          'monitor',
          '--for',
          '1h',
          '--file',
          join(site, 'crontab'),
          '--script',
          join(site, 'worker.mjs'),
          '--state-dir',
          join(site, 'state'),
          '--db-socket',
          db.socket,
          '--db-user',
          'u12345_app',
          '--db-name',
          'app',
          '--json',
        ],
        { CRONLATCH_DB_PASSWORD: 'p' },
      );
      rows.push({ name, db, site, watch });
    }
    const watches = (site) =>
      existsSync(join(site, 'state/watches')) ? readdirSync(join(site, 'state/watches')) : [];
    for (let i = 0; i < 200 && !rows.every(({ site }) => watches(site).length > 0); i++) await pause(100);
    await pause(5000);
    const size = (site) => statSync(join(site, 'state/watches', watches(site)[0])).size;
    const before = rows.map(({ watch, db, site }) => [cpu(watch.pid), cpu(db.pid), size(site)]);
    const began = performance.now();
    await pause(seconds * 1000);
    const passed = (performance.now() - began) / 1000;
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    console.log(`\nA watch, ${seconds} s of it, ${processes} processes on the machine`);
    for (const [at, { name, watch, db, site }] of rows.entries()) {
      const [own, theirs, bytes] = before[at];
      const memory =
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${watch.pid}/status`, 'latin1'))[1]) / 1024;
      const hour = 3600 / passed;
      console.log(
        `${name.padEnd(28)} ${judge((cpu(watch.pid) - own) / passed, limits.core, '% of a core')}, ${judge(memory, limits.memory, 'MB')}`,
      );
      console.log(
        `${''.padEnd(28)} database ${judge(((cpu(db.pid) - theirs) / 100) * hour, limits.database, 'CPU-s an hour')}, records ${judge(((size(site) - bytes) * hour) / 1e6, limits.bytes / 1e6, 'MB an hour')}`,
      );
    }
  }
} finally {
  const ended = children.map(
    (child) =>
      child.exitCode === null && child.signalCode === null && new Promise((done) => child.on('exit', done)),
  );
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ended);
  rmSync(scratch, { recursive: true, force: true });
}
if (missed > 0) {
  console.log(`\n${missed} missed`);
  process.exitCode = 1;
}
