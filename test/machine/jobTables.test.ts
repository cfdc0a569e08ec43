// Tables of jobs on a real MariaDB, made as their systems make them: the incident's, Laravel's and Symfony's.
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { credentialsOf } from '../../src/database/credentials.ts';
import { type JobCounts, judgeJobs, usualStates } from '../../src/database/jobs.ts';
import { localDatabases } from '../../src/server/database.ts';
import type { DatabaseSession } from '../../src/server/databasePort.ts';
import { localServer } from '../../src/server/local.ts';
import { type Counting, countJobs, jobSource } from '../../src/survey/jobs.ts';
import { closeWorkshop, workshop } from '../support/cron.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const why = mariadbMissing === '' ? '' : ` (skipped: ${mariadbMissing})`;
const server = localServer();

describe.skipIf(mariadbMissing !== '')(`tables of jobs${why}`, () => {
  let directory: string;
  let db: Mariadb;
  const open: DatabaseSession[] = [];
  const session = async (database: string): Promise<DatabaseSession> => {
    const credentials = credentialsOf({ user: 'u', password: 'p', database });
    if (credentials === 'none') throw new Error('none');
    const opened = await localDatabases.open({ is: 'socket', path: db.socket }, credentials, 5000);
    if (opened.is === 'failed') throw new Error(opened.message);
    open.push(opened.session);
    return opened.session;
  };
  const count = async (database: string, more: Partial<Counting> = {}, upTo?: number): Promise<JobCounts> => {
    const at = await session(database);
    const source = await jobSource(at, database, { states: usualStates });
    if (typeof source === 'string') throw new Error(source);
    const counts = await countJobs(server, at, source, { states: usualStates, ...more }, upTo);
    if (counts === 'unseen') throw new Error(counts);
    return counts;
  };

  beforeAll(async () => {
    directory = workshop('jobs');
    mkdirSync(join(directory, 'db'));
    // A zone of its own: ages must not depend on it.
    db = await startMariadb(join(directory, 'db'), ['--default-time-zone=+05:30']);
    db.sql("CREATE USER u@localhost IDENTIFIED BY 'p'; GRANT ALL ON `app\\_%`.* TO u@localhost");
  }, 60_000);
  afterAll(async () => {
    for (const one of open) await one.close();
    await db?.stop();
    closeWorkshop(directory);
  });

  describe('the incident’s', () => {
    const host = hostname();
    const born = readFileSync('/proc/self/stat', 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')[19];
    beforeAll(() => {
      const table = readFileSync(new URL('../../templates/sql/import_jobs.sql', import.meta.url), 'utf8');
      db.sql(`CREATE DATABASE app_incident; USE app_incident; ${table}
        INSERT INTO import_jobs (payload, created_at) VALUES ('', NOW() - INTERVAL 40 SECOND), ('', NOW()), ('', NOW());
        INSERT INTO import_jobs (payload, status, locked_by, locked_at) VALUES
          ('', 'processing', '${host}:${process.pid}:${born}', NOW() - INTERVAL 900 SECOND),
          ('', 'processing', '${host}:${process.pid}:1234', NOW()),
          ('', 'processing', '${host}:4194305:1234', NOW()),
          ('', 'processing', 'another:77', NOW() - INTERVAL 400 SECOND);
        INSERT INTO import_jobs (payload, status, locked_at, finished_at) VALUES ('', 'completed', NOW() - INTERVAL 100 SECOND, NOW() - INTERVAL 90 SECOND)`);
    });

    test('a worker that lives is at its job however long; a dead one, a PID of another and a silent machine are not', async () => {
      const counts = await count('app_incident');
      expect(counts).toMatchObject({
        pending: 3,
        processing: 4,
        done: 1,
        failed: 0,
        stuck: 3,
        stuckAfter: 300,
      });
      expect(counts.oldest).toBeGreaterThanOrEqual(40);
      expect(counts.oldest).toBeLessThan(100);
    });

    test('jobs that take long are given more time, and a later look measures as the earlier one', async () => {
      db.sql(
        "INSERT INTO app_incident.import_jobs (payload, status, locked_at, finished_at) SELECT '', 'completed', NOW() - INTERVAL 900 SECOND, NOW() - INTERVAL 700 SECOND FROM mysql.help_topic LIMIT 50",
      );
      const slow = await count('app_incident');
      expect(slow).toMatchObject({ stuck: 2, stuckAfter: 600 });
      db.sql("DELETE FROM app_incident.import_jobs WHERE status = 'completed'");
      expect(await count('app_incident')).toMatchObject({ stuck: 3, stuckAfter: 300 });
      expect(await count('app_incident', { earlier: slow })).toMatchObject({ stuck: 2, stuckAfter: 600 });
    });

    test('a named lock says who lives, on whatever machine', async () => {
      const holder = await session('app_incident');
      await holder.ask("SELECT GET_LOCK('work:another:77', 0)");
      const lock = 'work:{owner}';
      // Of the four only the holder's is held.
      expect(await count('app_incident', { lock })).toMatchObject({ stuck: 3 });
      await holder.ask("SELECT RELEASE_LOCK('work:another:77')");
      expect(await count('app_incident', { lock })).toMatchObject({ stuck: 4 });
    });

    test('the statement that is shown gives the stuck ones back, and only these', async () => {
      const { requeue = '' } = await count('app_incident');
      db.sql(`USE app_incident; ${requeue}`);
      expect(await count('app_incident')).toMatchObject({ pending: 6, processing: 1, stuck: 0 });
    });
  });

  test('Laravel’s: what waits, what is delayed, what is reserved, and what was done is missed', async () => {
    db.sql(`CREATE DATABASE app_laravel; USE app_laravel;
      CREATE TABLE jobs (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, queue VARCHAR(255) NOT NULL, payload LONGTEXT NOT NULL,
        attempts TINYINT UNSIGNED NOT NULL, reserved_at INT UNSIGNED NULL, available_at INT UNSIGNED NOT NULL, created_at INT UNSIGNED NOT NULL, KEY jobs_queue_index (queue));
      CREATE TABLE failed_jobs (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, uuid VARCHAR(255) NOT NULL UNIQUE, payload LONGTEXT NOT NULL);
      INSERT INTO failed_jobs (uuid, payload) VALUES ('a', ''), ('b', '');
      SET @now = UNIX_TIMESTAMP();
      INSERT INTO jobs (queue, payload, attempts, reserved_at, available_at, created_at) VALUES
        ('default', '', 0, NULL, @now - 50, @now - 50), ('mail', '', 0, NULL, @now - 5, @now - 5), ('default', '', 0, NULL, @now, @now),
        ('default', '', 0, NULL, @now + 3600, @now), ('default', '', 1, @now, @now, @now), ('default', '', 1, @now - 400, @now - 400, @now - 400)`);
    const before = await count('app_laravel');
    expect(before).toMatchObject({
      pending: 3,
      processing: 2,
      failed: 2,
      stuck: 1,
      highest: 6,
      remaining: 6,
    });
    expect(before.oldest).toBeGreaterThanOrEqual(50);
    // Done ones are deleted; another comes.
    db.sql(`USE app_laravel; DELETE FROM jobs WHERE id IN (1, 5);
      INSERT INTO jobs (queue, payload, attempts, available_at, created_at) VALUES ('default', '', 0, UNIX_TIMESTAMP(), UNIX_TIMESTAMP())`);
    const after = await count('app_laravel', { earlier: before }, before.highest);
    expect(judgeJobs(before, after, 60, 1)).toMatchObject({
      is: 'warn',
      because: 'stuck-before',
      args: { done: 2 },
    });
  });

  test('Symfony’s: its dates are UTC, and its failed ones are a queue', async () => {
    db.sql(`CREATE DATABASE app_symfony; USE app_symfony;
      CREATE TABLE messenger_messages (id BIGINT AUTO_INCREMENT NOT NULL PRIMARY KEY, body LONGTEXT NOT NULL, headers LONGTEXT NOT NULL,
        queue_name VARCHAR(190) NOT NULL, created_at DATETIME NOT NULL, available_at DATETIME NOT NULL, delivered_at DATETIME DEFAULT NULL);
      SET @now = UTC_TIMESTAMP();
      INSERT INTO messenger_messages (body, headers, queue_name, created_at, available_at, delivered_at) VALUES
        ('', '[]', 'default', @now - INTERVAL 30 SECOND, @now - INTERVAL 30 SECOND, NULL), ('', '[]', 'default', @now, @now, NULL),
        ('', '[]', 'default', @now, @now + INTERVAL 1 HOUR, NULL), ('', '[]', 'default', @now, @now, @now),
        ('', '[]', 'default', @now, @now, @now - INTERVAL 2 HOUR), ('', '[]', 'failed', @now, @now, NULL)`);
    const before = await count('app_symfony');
    expect(before).toMatchObject({
      pending: 2,
      processing: 2,
      failed: 1,
      stuck: 1,
      highest: 6,
      remaining: 6,
    });
    expect(before.oldest).toBeGreaterThanOrEqual(30);
    expect(before.oldest).toBeLessThan(100);
    db.sql('DELETE FROM app_symfony.messenger_messages WHERE id IN (1, 4, 5)');
    const after = await count('app_symfony', { earlier: before }, before.highest);
    expect(judgeJobs(before, after, 60, 1)).toMatchObject({ is: 'pass', because: 'done', args: { done: 3 } });
  });

  test('whatever is asked of a table, nothing is written', () => {
    const asked = db.asked();
    const counting = asked
      .split('\n')
      .filter((line) => / u_?.*Query|Query\t/.test(line) && /AS pending|AS who|AS seconds/.test(line));
    expect(counting.length).toBeGreaterThan(10);
    expect(counting.filter((line) => !/Query\tSELECT /.test(line))).toEqual([]);
  });
});
