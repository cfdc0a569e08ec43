// The incident with everything real: cron on a fast clock, PHP workers with jobs of five seconds, a MariaDB that allows five
// connections. Told from the pile-up over the deploy to the rollback.
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cron, type Ran, startCron, until } from './cron.ts';
import { makeUser } from './cronPeople.ts';
import { canary } from './databaseScene.ts';
import { type Mariadb, startMariadb } from './mariadb.ts';

const account = 'u12345_app';
/** Five, as the incident's host gave. */
const most = 5;

export interface Checks {
  readonly exit: number | null;
  readonly is: string;
  readonly checks: Readonly<Record<string, readonly [is: string, because: string]>>;
  readonly errors: string;
}

export interface Gate {
  readonly before: Checks;
  readonly deployed: Checks;
  readonly after: Checks;
  readonly rolledBack: number | null;
  readonly again: Checks;
  /** Numbers of the errors that the workers wrote before the deploy. */
  readonly refusals: readonly string[];
  /** What ended up in output, errors and the state directory. */
  readonly said: string;
}

/** Plays it once; `set` is where the limit stands. */
export async function playGate(directory: string, program: string, set: 'global' | 'account'): Promise<Gate> {
  mkdirSync(directory);
  const db = await startMariadb(directory, set === 'global' ? [`--max-user-connections=${most}`] : []);
  let cron: Cron | undefined;
  try {
    prepare(db, set);
    const user = makeUser(directory);
    const at = (name: string): string => join(user.home, name);
    for (const name of ['httpdocs', 'httpdocs/scripts', 'logs']) {
      mkdirSync(at(name));
      chownSync(at(name), user.uid, user.gid);
    }
    const lay = (name: string, text: string, mode = 0o600): void => {
      writeFileSync(at(name), text, { mode });
      chownSync(at(name), user.uid, user.gid);
    };
    lay(
      'httpdocs/.env',
      `DB_SOCKET=${db.socket}\nDB_DATABASE=app\nDB_USERNAME=${account}\nDB_PASSWORD='${canary}'\n`,
    );
    const script = at('httpdocs/scripts/worker.php');
    cpSync(new URL('../../templates/php/worker.php', import.meta.url).pathname, script);
    chownSync(script, user.uid, user.gid);
    cron = await startCron(join(directory, 'cron'), 2000);
    const log = at('logs/import.log');
    const entry = `*/1 * * * * php ${script} --once --keep-connection >> ${log} 2>&1\n`;
    const ran = await cron.run(['crontab', '-u', user.name, '-'], { stdin: entry });
    if (ran.code !== 0) throw new Error(ran.stderr);
    await cron.notice();
    const read = (): string => spawnSync('cat', [log], { encoding: 'utf8' }).stdout;
    const state = join(directory, 'state');
    let said = '';
    const cronlatch = async (...args: string[]): Promise<Ran> => {
      const line = [process.execPath, program, ...args, '--state-dir', state, '--json'];
      const done = await (cron as Cron).run(line, { fast: true });
      said += done.stdout + done.stderr;
      return done;
    };
    const watching = ['--ticks', '3', '--max-wait', '30m'];
    const asItStands = async (): Promise<Checks> =>
      checksOf(await cronlatch('verify', '--user', user.name, '--script', script, ...watching));

    await until('the account is full', () => /\[(?:1203|1226)\]/.test(read()), 60);
    const before = await asItStands();
    const refusals = [...read().matchAll(/\[(1203|1226|1040)\]/g)].map((match) => match[1] ?? '');
    const deployed = checksOf(
      await cronlatch(
        'deploy',
        '--user',
        user.name,
        '--script',
        script,
        '--ci',
        '--grace',
        '20m',
        ...watching,
      ),
    );
    const after = checksOf(await cronlatch('verify', ...watching));
    const rolledBack = (await cronlatch('rollback', '--ci')).code;
    const length = read().length;
    await until('the account is full again', () => /\[(?:1203|1226)\]/.test(read().slice(length)), 60);
    const again = await asItStands();
    said += spawnSync('grep', ['-rh', '', state], { encoding: 'utf8' }).stdout;
    return { before, deployed, after, rolledBack, again, refusals, said };
  } finally {
    await cron?.stop();
    await db.stop();
  }
}

function prepare(db: Mariadb, set: 'global' | 'account'): void {
  const table = spawnSync('cat', [new URL('../../templates/sql/import_jobs.sql', import.meta.url).pathname], {
    encoding: 'utf8',
  }).stdout;
  const own = set === 'account' ? ` WITH MAX_USER_CONNECTIONS ${most}` : '';
  db.sql(`CREATE DATABASE app; USE app; ${table}
    INSERT INTO import_jobs (payload) SELECT '{"seconds": 5}' FROM mysql.help_topic LIMIT 200;
    CREATE USER ${account}@localhost IDENTIFIED BY '${canary}'${own}; GRANT ALL ON app.* TO ${account}@localhost`);
}

function checksOf(ran: Ran): Checks {
  const report = JSON.parse(ran.stdout) as {
    outcome: { is: string };
    checks?: { check: string; is: string; because: string }[];
  };
  const checks = (report.checks ?? []).map(({ check, is, because }) => [check, [is, because] as const]);
  return { exit: ran.code, is: report.outcome.is, checks: Object.fromEntries(checks), errors: ran.stderr };
}
