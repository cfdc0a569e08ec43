// history --prune: what is over is forgotten, what is a way back never.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { history } from '../../src/commands/history.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, script, source, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.processes = [];
});
const run = async (line: string, options: Parameters<typeof contextFor>[2] = {}) => {
  machine.clock += 1000;
  const told = await contextFor(memoryServer(machine), line, options);
  const command = { deploy, rollback, history }[line.split(' ')[0] as 'deploy'];
  return { ...(await command(told.ctx)), out: told.out() };
};
const files = (): string[] => [...machine.live.keys()].filter((path) => path.endsWith('.jsonl'));
const removed = async (line: string): Promise<string[]> => (await run(line)).json['removed'] as string[];
const deployed = async (): Promise<string> =>
  (await run('deploy --all --ci --without verify')).json['deployment'] as string;

describe('pruning', () => {
  test('keeps the last good ones and all their rollbacks', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push(await deployed());
      await run('rollback --ci');
    }
    expect(files()).toHaveLength(8);
    expect(await removed('history --prune 2 --dry-run')).toHaveLength(4);
    expect(files()).toHaveLength(8);
    const gone = await removed('history --prune 2 --ci');
    expect(gone).toHaveLength(4);
    expect(gone).toEqual(expect.arrayContaining(ids.slice(0, 2)));
    expect(files()).toHaveLength(4);
    expect((await run('history --prune 2 --ci')).out).toContain('Nothing to remove.');
  });

  test('failed ones do not push a good one out', async () => {
    await deployed();
    await run('rollback --ci');
    for (let i = 0; i < 3; i++) {
      machine.programs = () => ({ code: 1, stdout: '', stderr: 'no' });
      await run('deploy --all --ci --without verify').catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
      });
    }
    expect(files().length).toBeGreaterThan(2);
    await run('history --prune 1 --ci');
    expect(files()).toHaveLength(2);
  });

  test('never takes one that stands, however many came after it, and it is still a way back', async () => {
    const second = `${home}/httpdocs/scripts/other.php`;
    const before = machine.picture();
    const first = await deployed();
    machine.put(second, source, { uid: exampleUser.uid, gid: exampleUser.gid });
    machine.put(spool, `${machine.live.get(spool)?.bytes}* * * * * php httpdocs/scripts/other.php\n`, {
      uid: exampleUser.uid,
      gid: 104,
      mode: 0o600,
    });
    for (let i = 0; i < 3; i++) {
      const { json } = await run('deploy --script other.php --ci --without verify');
      await run(`rollback ${json['deployment']} --ci`);
    }
    const gone = await removed('history --prune 1 --ci');
    expect(gone.length).toBeGreaterThan(0);
    expect(gone).not.toContain(first);
    expect((await run(`rollback ${first} --ci --keep-foreign-edits`)).exit).toBe(0);
    expect(machine.live.get(script)?.bytes).toBe(before[script] === undefined ? '' : source);
    expect(machine.live.get(spool)?.bytes).toContain(crontab);
  });

  test('never takes an unfinished one, and asks a person first', async () => {
    await deployed();
    await run('rollback --ci');
    const id = await deployed();
    const path = `/var/lib/cronlatch/deployments/${id}.jsonl`;
    const text = machine.live.get(path)?.bytes ?? '';
    machine.put(path, text.split('\n').slice(0, 3).join('\n').concat('\n'), { mode: 0o600 });
    await deployed().catch(() => {});
    await run('history --prune 1 --ci');
    expect(files()).toContain(path);
    const asked = run('history --prune 1', { terminal: true, answers: [false] });
    await asked.catch((error: Problem) => expect(error.code).toBe('declined'));
  });

  test('without consent, with an ID or a number that is none, nothing is done', async () => {
    for (const [line, code] of [
      ['history --prune 1', 'answers-missing'],
      ['history 20261123-120030-5b48 --prune 1 --ci', 'usage'],
      ['history --prune none --ci', 'usage'],
    ] as const)
      await expect(run(line)).rejects.toMatchObject({ code, exit: 2 });
  });
});
