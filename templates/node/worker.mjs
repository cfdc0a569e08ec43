// A worker for a table of jobs. Edit work() and the table's names; everything else may stay as it is.
//
//   node worker.mjs --once                does what waits now (at most --limit jobs) and ends: for cron
//   node worker.mjs                       goes on until --max-seconds are over
//
// It claims each job so that no other worker gets it, gives back the jobs of workers that were killed, completes a job only
// while it is its own, and closes its connection while it waits. One instance at a time is the guard's business:
// cronlatch deploy. Credentials: DB_* of the environment, else of the nearest .env above this file. Needs the package mysql2.
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';

const table = 'import_jobs';
const maxAttempts = 3;
/** Seconds after which a job of another host is taken from its worker. */
const lease = 3600;

/** The work itself. Throw, and the job is tried again until maxAttempts. */
async function work(job) {
  const { seconds = 0 } = JSON.parse(job.payload);
  await pause(seconds * 1000);
}

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    limit: { type: 'string', default: '10' },
    'max-seconds': { type: 'string', default: '3300' },
    'max-memory': { type: 'string', default: '256' },
    'keep-connection': { type: 'boolean', default: false },
  },
});

let stop = false;
for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => {
    stop = true;
  });

const say = (text) => process.stdout.write(`[${new Date().toISOString().replace(/\.\d+Z$/, 'Z')}] ${text}\n`);

/** Variables of the nearest .env above this file, those of the environment first. */
function settings() {
  const found = {};
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    if (existsSync(join(at, '.env'))) {
      for (const line of readFileSync(join(at, '.env'), 'utf8').split('\n')) {
        const m = /^\s*(?:export\s+)?(DB_\w+)\s*=\s*(?:'([^']*)'|"([^"]*)"|(\S*))/.exec(line);
        if (m) found[m[1]] = m[2] ?? m[3] ?? m[4] ?? '';
      }
      break;
    }
    if (at === dirname(at)) break;
  }
  return { ...found, ...process.env };
}

async function connect() {
  const s = settings();
  // As in PHP, localhost is the unix socket where one is named.
  const place = s.DB_SOCKET
    ? { socketPath: s.DB_SOCKET }
    : { host: s.DB_HOST ?? '127.0.0.1', port: Number(s.DB_PORT ?? 3306) };
  const made = await createConnection({
    ...place,
    user: s.DB_USERNAME,
    password: s.DB_PASSWORD,
    database: s.DB_DATABASE,
    connectTimeout: 5000,
  });
  // Without a listener a connection that somebody ends would end this process.
  made.on('error', () => {});
  return made;
}

/** When a process was born, in the kernel's own ticks: with the PID it names one process for ever. */
function bornAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

const me = `${hostname()}:${process.pid}:${bornAt(process.pid)}`;
let connection;
const db = async () => {
  connection ??= await connect();
  return connection;
};
const letGo = async () => {
  const old = connection;
  connection = undefined;
  await old?.end();
};

/** Since MariaDB 10.6 and MySQL 8.0.1 a row that another worker has is passed over. */
async function canSkip() {
  const [[{ v }]] = await (await db()).query('SELECT VERSION() AS v');
  const [major = 0, minor = 0, patch = 0] = (/\d+\.\d+\.\d+/.exec(v.replace(/^5\.5\.5-/, ''))?.[0] ?? '0')
    .split('.')
    .map(Number);
  const number = major * 1e6 + minor * 1e3 + patch;
  return number >= (/mariadb/i.test(v) ? 10_006_000 : 8_000_001);
}

/** One job that nobody else gets, or undefined. */
async function claim() {
  const at = await db();
  if (!(await canSkip())) {
    const token = `${me}:${Math.random().toString(36).slice(2)}`;
    const [taken] = await at.query(
      `UPDATE ${table} SET status = 'processing', locked_by = ?, locked_at = NOW(), attempts = attempts + 1 WHERE status = 'pending' ORDER BY id LIMIT 1`,
      [token],
    );
    if (taken.affectedRows !== 1) return undefined;
    const [rows] = await at.query(`SELECT * FROM ${table} WHERE locked_by = ? AND status = 'processing'`, [
      token,
    ]);
    return rows[0];
  }
  await at.beginTransaction();
  const [rows] = await at.query(
    `SELECT * FROM ${table} WHERE status = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
  );
  const [job] = rows;
  if (job !== undefined) {
    await at.query(
      `UPDATE ${table} SET status = 'processing', locked_by = ?, locked_at = NOW(), attempts = attempts + 1 WHERE id = ?`,
      [me, job.id],
    );
    Object.assign(job, { locked_by: me, attempts: job.attempts + 1 });
  }
  await at.commit();
  return job;
}

/** Gives back what a killed worker of this host left in work, and what one of another host has had for too long. */
async function recover() {
  const at = await db();
  const [rows] = await at.query(
    `SELECT id, locked_by, locked_at < NOW() - INTERVAL ${lease} SECOND AS late FROM ${table} WHERE status = 'processing'`,
  );
  let recovered = 0;
  for (const job of rows) {
    const [host, pid, born = ''] = (job.locked_by ?? '').split(':');
    const gone = host === hostname() ? born === '' || bornAt(pid) !== born : job.late === 1;
    if (!gone) continue;
    const [back] = await at.query(
      `UPDATE ${table} SET status = IF(attempts >= ${maxAttempts}, 'failed', 'pending'), locked_by = NULL WHERE id = ? AND locked_by = ? AND status = 'processing'`,
      [job.id, job.locked_by],
    );
    recovered += back.affectedRows;
  }
  return recovered;
}

/** Ends a job that is still ours. Says whether it was. */
async function finish(job, status, error) {
  const [done] = await (await db()).query(
    `UPDATE ${table} SET status = ?, error = ?, locked_by = NULL, finished_at = NOW() WHERE id = ? AND locked_by = ? AND status = 'processing'`,
    [status, error, job.id, job.locked_by],
  );
  return done.affectedRows === 1;
}

const started = performance.now();
let count = 0;
try {
  const recovered = await recover();
  if (recovered > 0) say(`${recovered} jobs of killed workers given back`);
  while (!stop && count < (options.once ? Number(options.limit) : Number.POSITIVE_INFINITY)) {
    const late = performance.now() - started > Number(options['max-seconds']) * 1000;
    if (late || process.memoryUsage().rss > Number(options['max-memory']) * 1024 * 1024) break;
    const job = await claim();
    if (job === undefined) {
      if (options.once) break;
      // A worker that waits needs no connection: others of the account may.
      await letGo();
      await pause(2000);
      continue;
    }
    count++;
    if (!options['keep-connection']) await letGo();
    let [status, error] = ['completed', null];
    try {
      await work(job);
    } catch (e) {
      [status, error] = [job.attempts >= maxAttempts ? 'failed' : 'pending', String(e.message).slice(0, 500)];
    }
    const kept = await finish(job, status, error);
    say(`job ${job.id} ${kept ? status : 'was taken by another worker: its result is not kept'}`);
  }
  await letGo();
  say(`${count} jobs`);
} catch (error) {
  say(`[${error.errno ?? error.code}] ${error.message}`);
  process.exitCode = 1;
  connection?.destroy();
}
