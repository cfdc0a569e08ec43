// Two deployments in one crontab, through the scheduler and in the crontab itself: each is taken back by itself, in any order.
import { describe, expect, test } from 'vitest';
import type { Host } from '../support/plesk/host.ts';
import { run, said, stores } from '../support/plesk/run.ts';
import { several } from '../support/plesk/several.ts';

/** Which worker each deploys: a task, another task, the line made by hand. */
const workers = {
  'a task': { script: 'process_import_jobs.php', kind: 'put-task', id: 7 },
  'another task': { script: 'second.php', kind: 'put-task', id: 9 },
  'a line': { script: 'third.php', kind: 'put-crontab', id: 0 },
} as const;
type Worker = keyof typeof workers;

const pairs: readonly (readonly [Worker, Worker])[] = [
  ['a line', 'a task'],
  ['a task', 'a line'],
  ['a task', 'another task'],
  ['another task', 'a task'],
];

async function deployed(host: Host, worker: Worker): Promise<string> {
  const done = await run(host, `deploy --script ${workers[worker].script} --ci --without verify`);
  expect(done.exit, said(done)).toBe(0);
  const { steps } = (done.json as { plan: { steps: { kind: string }[] } }).plan;
  expect(steps.map(({ kind }) => kind)).toContain(workers[worker].kind);
  return /Deployed as (\S+?)\./.exec(done.out())?.[1] ?? '';
}

describe.each(pairs)('%s, and then %s', (first, second) => {
  test.each(['the later', 'the earlier'] as const)('%s is taken back first', async (which) => {
    const host = several();
    const before = stores(host);
    const ids = [await deployed(host, first), await deployed(host, second)];
    const both = host.crontab();
    const [goes, stays] = which === 'the later' ? [1, 0] : [0, 1];
    const one = await run(host, `rollback ${ids[goes]} --ci`);
    expect(one.exit, said(one)).toBe(0);
    // The other is as it was deployed: its line, its task, its script.
    const kept = [first, second][stays] as Worker;
    const line = both.split('\n').find((l) => l.includes(workers[kept].script));
    expect(host.crontab().split('\n')).toContain(line);
    const task = host.panel.tasks.find(({ id }) => id === workers[kept].id);
    if (task !== undefined) expect(task.command).toContain('--once');
    const { out } = await run(host, `deploy --script ${workers[kept].script} --ci --without verify`);
    expect(out()).toContain('Already deployed.');

    const other = await run(host, `rollback ${ids[stays]} --ci`);
    expect(other.exit, said(other)).toBe(0);
    expect({ ...stores(host), picture: {} }).toEqual({ ...before, picture: {} });
    expect(Object.keys(stores(host).picture)).toEqual(Object.keys(before.picture));
  });
});

test('tasks that went to another block of the crontab are taken back newest first, and not in another order', async () => {
  const host = several({ shell: 'chrooted', type: 'exec' });
  const before = stores(host);
  const ids = [await deployed(host, 'a task'), await deployed(host, 'another task')];
  expect(host.panel.tasks.map(({ type }) => type)).toEqual(['php', 'exec', 'php']);
  const both = stores(host);
  const refused = await run(host, `rollback ${ids[0]} --ci`);
  expect([refused.exit, said(refused)]).toEqual([5, expect.stringContaining('roll those back first')]);
  expect(stores(host)).toEqual(both);
  for (const id of ids.reverse()) {
    const back = await run(host, `rollback ${id} --ci`);
    expect(back.exit, said(back)).toBe(0);
  }
  expect({ ...stores(host), picture: {} }).toEqual({ ...before, picture: {} });
});
