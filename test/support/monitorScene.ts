// A site with a worker, a table of jobs and a MariaDB of its own, for the watch: everything real, cron at its own pace.
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type As, type Cron, type Ran, startCron } from './cron.ts';
import { makeUser } from './cronPeople.ts';
import { canary } from './databaseScene.ts';
import { type Mariadb, startMariadb } from './mariadb.ts';

export const account = 'u12345_app';

export interface Scene {
  readonly db: Mariadb;
  readonly cron: Cron;
  readonly user: As;
  readonly script: string;
  readonly log: string;
  readonly state: string;
  /** What begins every command line. */
  readonly program: readonly string[];
  cronlatch(...args: string[]): Promise<Ran>;
  /** Stops the database, does something meanwhile, and starts it again on the same data and socket. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Makes it; a minute of cron's passes in `tick` milliseconds. Nothing is deployed yet. */
export async function monitorScene(
  directory: string,
  program: string,
  { tick = 60_000, limit = 5, jobs = 400, seconds = 2, log = 'import.log' } = {},
): Promise<Scene> {
  mkdirSync(directory, { recursive: true });
  const at = join(directory, 'db');
  mkdirSync(at);
  let db = await startMariadb(at, [`--max-user-connections=${limit}`]);
  const table = spawnSync('cat', [new URL('../../templates/sql/import_jobs.sql', import.meta.url).pathname], {
    encoding: 'utf8',
  }).stdout;
  db.sql(`CREATE DATABASE app; USE app; ${table}
    INSERT INTO import_jobs (payload) SELECT '{"seconds": ${seconds}}' FROM mysql.help_topic LIMIT ${jobs};
    CREATE USER ${account}@localhost IDENTIFIED BY '${canary}'; GRANT ALL ON app.* TO ${account}@localhost`);
  const user = makeUser(directory);
  const home = (name: string): string => join(user.home, name);
  for (const name of ['httpdocs', 'httpdocs/scripts', 'logs']) {
    mkdirSync(home(name));
    chownSync(home(name), user.uid, user.gid);
  }
  writeFileSync(
    home('httpdocs/.env'),
    `DB_SOCKET=${db.socket}\nDB_DATABASE=app\nDB_USERNAME=${account}\nDB_PASSWORD='${canary}'\n`,
    { mode: 0o600 },
  );
  chownSync(home('httpdocs/.env'), user.uid, user.gid);
  const script = home('httpdocs/scripts/worker.php');
  cpSync(new URL('../../templates/php/worker.php', import.meta.url).pathname, script);
  chownSync(script, user.uid, user.gid);
  const cron = await startCron(join(directory, 'cron'), tick);
  const output = home(`logs/${log}`);
  const entry = `* * * * * php ${script} --once --keep-connection --limit=8 >> ${output} 2>&1\n`;
  const ran = await cron.run(['crontab', '-u', user.name, '-'], { stdin: entry });
  if (ran.code !== 0) throw new Error(ran.stderr);
  await cron.notice();
  const state = join(directory, 'state');
  const line = [process.execPath, program];
  return {
    get db() {
      return db;
    },
    cron,
    user,
    script,
    log: output,
    state,
    program: line,
    cronlatch: (...args) => cron.run([...line, ...args, '--state-dir', state]),
    async restart(meanwhile) {
      await db.stop();
      await meanwhile();
      db = await startMariadb(at, [`--max-user-connections=${limit}`]);
    },
    async stop() {
      await cron.stop();
      await db.stop();
    },
  };
}
