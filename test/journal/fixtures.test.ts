// Journals as earlier versions wrote them, byte for byte: they stay readable, and a way back.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/change/encode.ts';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { readJournal, stateOf, stepStates } from '../../src/journal/records.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, incident, script, spool } from '../support/site.ts';

const at = new URL('fixtures/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, at), 'utf8');
const versions = ['schema-1', 'sha256'];
/** With bytes that are not UTF-8, as the fixtures have them. */
const source = `<?php\ndeclare(strict_types=1);\n$options = getopt('', ['once']);\n$once = isset($options['once']);\n// caf\xe9 \xff\nwork($once);\n`;
const own = { uid: exampleUser.uid, gid: exampleUser.gid };

/** The server as the fixture's deployment left it, with that journal and nothing else of it. */
function deployedBy(name: string): Machine {
  const machine = incident();
  machine.processes = [];
  const journal = readJournal('/j', read(name));
  if (journal === 'empty') throw new Error('empty');
  for (const step of journal.open.plan.steps) {
    if (step.kind === 'make-directory') machine.directory(step.path, { mode: step.mode, ...step.owner });
    if (step.kind === 'put-file' && step.after !== 'absent') {
      const { bytes, mode, uid, gid } = step.after;
      machine.put(step.path, bytes, { mode, uid, gid });
    }
    if (step.kind === 'put-crontab')
      machine.put(spool, step.after, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  }
  machine.directory('/var/lib/cronlatch/deployments', { mode: 0o700 });
  machine.directory('/var/lib/cronlatch', { mode: 0o700 });
  machine.put(`/var/lib/cronlatch/deployments/${journal.open.id}.jsonl`, bytesOf(read(name)), {
    mode: 0o600,
  });
  machine.clock += 86_400_000;
  return machine;
}

describe.each(versions)('a journal of %s', (version) => {
  test('says how each deployment ended', () => {
    const states = ['deployed', 'rollback', 'cut-off'].map((name) => {
      const journal = readJournal('/j', read(`${version}-${name}.jsonl`));
      return journal === 'empty' ? 'empty' : [journal.open.command, stateOf(journal), journal.torn];
    });
    expect(states).toEqual([
      ['deploy', 'deployed', false],
      ['rollback', 'rolled-back', false],
      ['deploy', 'unfinished', true],
    ]);
    const cutOff = readJournal('/j', read(`${version}-cut-off.jsonl`));
    if (cutOff !== 'empty') expect(stepStates(cutOff).slice(0, 4)).toEqual(['done', 'done', 'done', 'begun']);
  });

  test.each(['deployed', 'cut-off'])('brings everything back from the journal alone: %s', async (name) => {
    const machine = deployedBy(`${version}-${name}.jsonl`);
    const { ctx } = await contextFor(memoryServer(machine), 'rollback --ci');
    expect((await rollback(ctx)).exit).toBe(0);
    expect(machine.live.get(spool)).toMatchObject({ bytes: crontab, mtime: '1700000000.123456789' });
    expect(machine.live.get(script)).toMatchObject({
      bytes: source,
      mode: 0o640,
      mtime: '1700000000.123456789',
      ...own,
    });
    const left = [...machine.live.keys()].filter(
      (path) => /cronlatch/.test(path) && !path.startsWith('/var/lib'),
    );
    expect(left).toEqual([]);
  });

  test('is carried on', async () => {
    const machine = deployedBy(`${version}-cut-off.jsonl`);
    const id = /"id":"(\d+-\d+-\w+)"/.exec(read(`${version}-cut-off.jsonl`))?.[1];
    const { ctx } = await contextFor(memoryServer(machine), `deploy --resume ${id} --ci --without verify`);
    expect((await deploy(ctx)).exit).toBe(0);
  });
});

test('every fixture is looked at', () => {
  const names = versions.flatMap((v) => ['cut-off', 'deployed', 'rollback'].map((n) => `${v}-${n}.jsonl`));
  expect(readdirSync(at).sort()).toEqual(names.sort());
});

test.each([
  ['the script', 'work($once)', 'hack($once)'],
  ['the crontab', '/usr/local/bin/backup.sh', '/usr/local/bin/Backup.sh'],
])('a before-text that is not the one that was written is never restored: %s', (_, was, is) => {
  const text = read('sha256-deployed.jsonl');
  const from = text.indexOf('"before"', text.indexOf(was) - 2000);
  const where = text.indexOf(was, from);
  const changed = text.slice(0, where) + is + text.slice(where + was.length);
  expect(() => readJournal('/j', changed)).toThrow(
    expect.objectContaining({ code: 'journal-unreadable', exit: 4 }),
  );
  expect(() => readJournal('/j', changed)).toThrow(Problem);
});
