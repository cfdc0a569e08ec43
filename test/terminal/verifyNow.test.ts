// verify --run-now starts the entry as cron would; --url asks the site whether it hands out the log.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deploy, json, run, site } from './harness.ts';

const telling = `import { readFileSync } from 'node:fs';
console.log(JSON.stringify({ argv: process.argv.slice(2), cwd: process.cwd(), env: process.env, input: readFileSync(0, 'latin1') }));
process.exit(Number(process.env.ENDS ?? 0));
`;

const withLog =
  (more = '') =>
  (directory: string, entry: string) =>
    `HOME=${directory}\nGREETING="hello  you"\n${more}${entry.replace('*/2', '0')} --daily >> ${directory}/httpdocs/run.log 2>&1%first%second\n`;

interface Check {
  readonly check: string;
  readonly is: string;
  readonly because: string;
}
const checksOf = (ended: Awaited<ReturnType<typeof run>>): Record<string, string> =>
  Object.fromEntries(
    (json(ended) as unknown as { checks: Check[] }).checks.map(({ check, is, because }) => [
      check,
      `${is} ${because}`,
    ]),
  );

describe.concurrent('verify --run-now', () => {
  const place = (crontab: ReturnType<typeof withLog>) => {
    const at = site('node', (directory, entry) => crontab(directory, entry));
    mkdirSync(join(at.directory, 'httpdocs'));
    writeFileSync(at.script, telling);
    return at;
  };

  test('starts the entry with cron’s user, shell, directory, environment and input', async () => {
    const at = place(withLog());
    const ended = await run(['verify', ...at.on, '--script', at.script, '--run-now', '--yes', '--json'], {
      env: { NOT_CRONS: '1' },
    });
    expect(checksOf(ended)).toMatchObject({ 'run-now': 'pass ended-well', 'log-written': 'pass written' });
    const said = JSON.parse(readFileSync(join(at.directory, 'httpdocs/run.log'), 'utf8')) as {
      argv: string[];
      cwd: string;
      env: Record<string, string>;
      input: string;
    };
    expect(said).toMatchObject({ argv: ['--daily'], cwd: at.directory, input: 'first\nsecond\n' });
    const { PWD, OLDPWD, SHLVL, _, ...env } = said.env;
    expect(Object.keys(env).sort()).toEqual(['GREETING', 'HOME', 'LOGNAME', 'PATH', 'SHELL']);
    expect(env).toMatchObject({
      GREETING: 'hello  you',
      HOME: at.directory,
      PATH: '/usr/bin:/bin',
      SHELL: '/bin/sh',
    });
  });

  test('a run that ends badly is exit 3', async () => {
    const at = place(withLog('ENDS=7\n'));
    const ended = await run(['verify', ...at.on, '--script', at.script, '--run-now', '--ci', '--json']);
    expect(ended.code).toBe(3);
    expect(checksOf(ended)['run-now']).toBe('fail ended-badly');
  });

  test('nothing is started without consent', async () => {
    const at = place(withLog());
    const ended = await run(['verify', ...at.on, '--script', at.script, '--run-now']);
    expect({ code: ended.code, says: ended.err.includes('--yes or --ci') }).toEqual({ code: 2, says: true });
    expect(() => readFileSync(join(at.directory, 'httpdocs/run.log'))).toThrow();
  });
});

describe.concurrent('verify --url', () => {
  const cases: [string, (log: string) => { status: number; body: string }, string][] = [
    ['the log itself', (log) => ({ status: 200, body: log }), 'fail downloadable'],
    ['a part of it', (log) => ({ status: 206, body: log.slice(0, 20) }), 'fail downloadable'],
    ['forbidden', () => ({ status: 403, body: 'no' }), 'pass refused'],
    ['not there, or another site', () => ({ status: 404, body: 'no' }), 'inconclusive not-there'],
    ['its home page for everything', () => ({ status: 200, body: '<!doctype html>' }), 'pass another-page'],
    ['an error', () => ({ status: 503, body: '' }), 'inconclusive odd-answer'],
  ];
  test.each(cases)('%s', async (_, answer, expected) => {
    const log = 'imported 1 of 200 products for a customer\n';
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const { status, body } = answer(log);
      response.writeHead(status).end(body);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      const at = site('node', (directory, entry) =>
        `${entry} >> ${directory}/httpdocs/logs/a%20b.log 2>&1\n`.replaceAll('%', '\\%'),
      );
      mkdirSync(join(at.directory, 'httpdocs/logs'), { recursive: true });
      writeFileSync(join(at.directory, 'httpdocs/logs/a%20b.log'), log);
      const ended = await run([
        'verify',
        ...at.on,
        '--script',
        at.script,
        '--url',
        `http://127.0.0.1:${port}/`,
        '--json',
      ]);
      expect(checksOf(ended)['log-private']).toBe(expected);
      expect(asked).toEqual(['/logs/a%2520b.log']);
    } finally {
      server.close();
    }
  });

  test('that no document root is known above a log proves nothing, and one inside is a warning without --url', async () => {
    const at = site();
    expect((await deploy(at, '--without', 'verify')).code).toBe(0);
    expect(checksOf(await run(['verify', ...at.stateFlags, '--json']))['log-private']).toBe(
      'skip no-docroot',
    );
    const inside = site('node', (directory, entry) => `${entry} >> ${directory}/httpdocs/run.log 2>&1\n`);
    const ended = await run(['verify', ...inside.on, '--script', inside.script, '--json']);
    expect(checksOf(ended)['log-private']).toBe('warn in-docroot');
  });
});
