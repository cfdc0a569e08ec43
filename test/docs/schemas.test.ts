// Real documents against the schemas that ship with the package: docs/json.md is a promise to other tools.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { watchJson } from '../../src/commands/monitorOutputs.ts';
import { scan } from '../../src/commands/scan.ts';
import { summarise } from '../../src/monitor/summary.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, incident, spool } from '../support/site.ts';
import { badHour, goodHour, type Story, tell } from '../support/watchStory.ts';
import { json, run as runBuilt, site, timeless } from '../terminal/harness.ts';

const root = resolve(import.meta.dirname, '../..');
const schema = (name: string) => JSON.parse(readFileSync(join(root, 'docs/schema', name), 'utf8'));
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
const validators = {
  scan: ajv.compile(schema('scan-1.json')),
  deploy: ajv.compile(schema('deploy-1.json')),
  monitor: ajv.compile(schema('monitor-1.json')),
  problem: ajv.compile(schema('problem-1.json')),
};

const bare = { lock: undefined as never, log: undefined as never, database: undefined as never };

/** What is wrong with the document; nothing when it is as promised. */
const faults = (kind: keyof typeof validators, document: unknown): string[] => {
  const validate = validators[kind];
  // As a reader gets it: through text.
  validate(JSON.parse(JSON.stringify(document)));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
};

const document = async (machine: Machine, command: string) => {
  const { ctx } = await contextFor(memoryServer(machine), command);
  return (await (command.startsWith('scan') ? scan : deploy)(ctx)).json;
};
const withCrontab = (text: string): Machine => {
  const machine = incident();
  machine.put(spool, text, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  return machine;
};

const crontabs: Readonly<Record<string, string>> = {
  'the incident': crontab,
  'an empty crontab': '',
  'what cron refuses': '61 * * * * x\nexport A=1\n* * * * * y\n',
  'entries of every kind':
    '@reboot php httpdocs/scripts/process_import_jobs.php\n0 0 31 2 * x\n0 3 * * * mail ops%hello%\n* * * * * docker exec a php x.php\n* * * * * cd $NO; php x.php --password=hunter22\n',
  'bytes that are no UTF-8': '# \xff\xfe\n*/5 * * * * php httpdocs/\xe4.php > /tmp/\xff 2>&1\n',
  suppressions: `# cronlatch-ignore-file: no-lock, relative-interpreter -- known\n${crontab}# cronlatch-ignore: x\n`,
};

describe('scan --json', () => {
  test.each(Object.entries(crontabs))('%s', async (_, text) => {
    const machine = withCrontab(text);
    machine.put('/etc/cron.d/shop', `* * * * * example-user php ${exampleUser.home}/x.php\n`);
    for (const more of ['', ' --dialect cronie', ' --only no-lock', ' --ignore no-lock,no-log'])
      expect(faults('scan', await document(machine, `scan --json${more}`))).toEqual([]);
  });

  test('a document that lacks what was promised is refused', async () => {
    const whole = await document(withCrontab(crontabs['suppressions'] ?? ''), 'scan --json');
    for (const key of Object.keys(whole))
      expect(faults('scan', { ...whole, [key]: undefined })).not.toEqual([]);
    const [first] = whole['crontabs'] as { entries: object[]; suppressed: object[] }[];
    for (const key of Object.keys(first ?? {}))
      expect(faults('scan', { ...whole, crontabs: [{ ...first, [key]: undefined }] }), key).not.toEqual([]);
    expect(first?.suppressed).toHaveLength(2);
    const [entry] = first?.entries ?? [];
    for (const key of ['line', 'schedule', 'command', 'fires', 'next', 'worker', 'findings'])
      expect(
        faults('scan', { ...whole, crontabs: [{ ...first, entries: [{ ...entry, [key]: undefined }] }] }),
        key,
      ).not.toEqual([]);
  });
});

describe('the crons', () => {
  test('each say what they accept and run, and which lines they do not read alike', async () => {
    const text = '0~30 3 * * * x\nEMPTY=\n1-5-7 * * * * y\n* * * * * z\n';
    const {
      crontabs: [first],
    } = (await document(withCrontab(text), 'scan --user example-user --json')) as {
      crontabs: [Record<string, unknown>];
    };
    expect(first['crons']).toEqual({
      debian12: { accepted: false, runs: 'nothing' },
      debian13: { accepted: true, runs: 'everything' },
      cronie: { accepted: false, runs: 'the-rest' },
    });
    expect(first['differences']).toEqual([
      { line: 1, refusedBy: [], parting: 'times' },
      { line: 2, refusedBy: ['debian12'] },
      { line: 3, refusedBy: ['cronie'] },
    ]);
  });
});

describe('deploy --dry-run --json', () => {
  test.each(Object.entries(crontabs))('%s', async (_, text) => {
    for (const more of ['', ' --guard entry'])
      expect(
        faults('deploy', await document(withCrontab(text), `deploy --all --dry-run --json${more}`)),
      ).toEqual([]);
  });

  test('its put-crontab step has the whole text before and after', async () => {
    const { plan } = (await document(incident(), 'deploy --all --dry-run --json')) as {
      plan: {
        steps: {
          kind: string;
          before: string;
          after: string;
          edits: { line: number; before: string[]; after: string[] }[];
        }[];
      };
    };
    const step = plan.steps.find(({ kind }) => kind === 'put-crontab');
    expect(step?.before).toBe(crontab);
    const lines = crontab.split(/(?<=\n)/);
    for (const edit of step?.edits ?? []) lines.splice(edit.line - 1, edit.before.length, ...edit.after);
    expect(step?.after).toBe(lines.join(''));
  });
});

describe('monitor --json', () => {
  const said = (story: Story) =>
    watchJson(summarise(story), '/var/lib/cronlatch/watches/x.jsonl', summarise(story).outcome.exit);

  test.each([
    ['a good hour', goodHour()],
    ['a bad hour', badHour()],
    ['one that was cut off at its beginning', tell({ seconds: 2, end: 'none' })],
    ['one without a guard, a log and a database', tell({ watched: bare, used: () => 0 })],
  ])('%s', (_, story) => {
    expect(faults('monitor', said(story))).toEqual([]);
    // What --report FILE.json writes is the same, one level up.
    const { outcome, schema: number, ...watch } = summarise(story);
    expect(faults('monitor', { ...said(story), watch: JSON.parse(JSON.stringify(watch)) })).toEqual([]);
    expect([number, outcome.is]).toEqual([1, (said(story)['outcome'] as { is: string }).is]);
  });

  test('a document that lacks what was promised is refused', () => {
    const whole = said(badHour());
    for (const key of Object.keys(whole))
      expect(faults('monitor', { ...whole, [key]: undefined }), key).not.toEqual([]);
    const watch = whole['watch'] as Record<string, unknown>;
    for (const key of Object.keys(watch).filter((name) => name !== 'firstViolation'))
      expect(faults('monitor', { ...whole, watch: { ...watch, [key]: undefined } }), key).not.toEqual([]);
  });
});

describe('the built program', () => {
  test('prints documents of these forms, --format json the same as --json', async () => {
    const at = site();
    const long = await runBuilt(['scan', ...at.on, '--format', 'json']);
    expect(faults('scan', json(long))).toEqual([]);
    expect(timeless((await runBuilt(['scan', ...at.on, '--json'])).out)).toEqual(timeless(long.out));
    expect(
      faults('deploy', json(await runBuilt(['deploy', ...at.on, '--all', '--dry-run', '--json']))),
    ).toEqual([]);
  });

  test.each([
    ['an unknown flag', ['scan', '--nonsense', '--format=json']],
    ['a missing file', ['scan', '--file', '/nonexistent/crontab', '--format', 'json']],
    ['a rule that does not exist', ['scan', '--only', 'no-such-rule', '--json']],
  ])('a failure is a document too: %s', async (_, args) => {
    const ended = await runBuilt(args);
    const said = json(ended);
    expect(faults('problem', said)).toEqual([]);
    expect(said.outcome.exit).toBe(ended.code);
  });
});

test('every schema there is is one that documents are held against, and ships with the package', () => {
  expect(readdirSync(join(root, 'docs/schema')).sort()).toEqual([
    'commands-1.json', // support/schemas.ts holds these to every document of the terminal tests
    'config-1.json', // ci.test.ts holds it
    'connections-1.json', // checkSchemas.test.ts holds it, and verify's
    'deploy-1.json',
    'monitor-1.json',
    'monitor-report-1.json', // monitorSchema.test.ts holds it
    'problem-1.json',
    'scan-1.json',
    'verify-1.json',
  ]);
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  expect(files).toContain('docs');
});
