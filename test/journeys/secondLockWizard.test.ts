// The wizard and several web servers: it asks for a second lock only where other machines work with the worker's database.
import { expect, it } from 'vitest';
import { wizard } from '../../src/commands/wizard.ts';
import { contextFor } from '../support/context.ts';
import { type State, session } from '../support/databaseSession.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script } from '../support/site.ts';

const question = 'Other machines work with its database: lock there, too?';
const env = `${home}/httpdocs/.env`;

function site(from?: string): Machine {
  const machine = incident();
  machine.put(env, 'DB_HOST=127.0.0.1\nDB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD=x\n', {
    uid: exampleUser.uid,
    gid: exampleUser.gid,
    mode: 0o600,
  });
  const state: State = {
    ...{ used: 1, aborted: 7, denied: 2, pending: 9, done: 20, left: 1e9, tables: true },
    ...(from === undefined ? {} : { from }),
  };
  machine.database = () => session(state);
  return machine;
}

async function talk(machine: Machine, words: string, answer: unknown) {
  const asked: string[] = [];
  const told = await contextFor(memoryServer(machine), words, {
    terminal: true,
    answers: (put) => {
      asked.push(put);
      return put === question ? answer : put === 'Do this now?' ? true : 'Enter';
    },
  });
  const done = await wizard(told.ctx);
  return { exit: done.exit, asked, text: told.out() + told.err() };
}
const call = (machine: Machine): string => machine.live.get(script)?.bytes ?? '';

it('is asked, with who was seen and where the credentials are; yes puts it into the guard’s line', async () => {
  const machine = site('203.0.113.7:40000');
  const { exit, asked, text } = await talk(
    machine,
    '--without verify,stop',
    'Yes, it runs there, too (seen: 203.0.113.7',
  );
  expect(exit).toBe(0);
  expect(asked).toContain(question);
  expect(call(machine)).toContain(`'shared' => '${env}'`);
  expect(text).toContain(`--shared-lock ${env}`);
  expect(text).toContain('and one in the database');
  expect((await talk(machine, '--without verify,stop', 'Yes')).asked).not.toContain(question);
});

it('no is what Enter says, and nothing is said of it later', async () => {
  const machine = site('203.0.113.7:40000');
  const { exit, asked } = await talk(machine, '--without verify,stop', 'Enter');
  expect([exit, asked.includes(question)]).toEqual([0, true]);
  expect(call(machine)).toContain('cronlatch-guard.php');
  expect(call(machine)).not.toContain('shared');
});

it.each([
  ['nobody works from elsewhere', undefined, ''],
  ['the database is not to be asked', '203.0.113.7:40000', ',database'],
])('is not asked where %s', async (_, from, without) => {
  const { exit, asked } = await talk(site(from), `--without verify,stop${without}`, 'Yes');
  expect([exit, asked.includes(question)]).toEqual([0, false]);
});
