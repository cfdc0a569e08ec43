// verify --run-now: starts an entry once exactly as cron would, with consent, and judges that run.

import { Buffer, isUtf8 } from 'node:buffer';
import { seconds } from '../ask/settle.ts';
import { readable } from '../change/encode.ts';
import type { Latched } from '../change/plan.ts';
import { settingsAt } from '../crontab/settings.ts';
import { Problem } from '../problem.ts';
import type { Facts } from '../survey/facts.ts';
import { lockInode } from '../survey/instances.ts';
import { baselinesOf, judgeLog } from '../verify/log.ts';
import { type Verdict, verdictsOf } from '../verify/verdict.ts';
import { type Context, word } from './context.ts';

/** One run of each worker, and what it left behind. `started` is told of those that were run. */
export async function runNow(
  ctx: Context,
  workers: readonly Latched[],
  facts: Facts,
  started: (worker: Latched) => void,
): Promise<Verdict[]> {
  const names = workers.map((w) => `${w.name} as ${w.user}`).join(', ');
  const most = word(ctx, 'max-wait') ?? '10m';
  const question = `Start ${names} once now, as cron would (it is ended after ${most}, --max-wait)?`;
  if (!ctx.consent.given && !(await (await ctx.ask()).confirm(question))) throw new Problem('declined');
  const verdicts: Verdict[] = [];
  for (const worker of workers) verdicts.push(...(await runOne(ctx, worker, facts, started)));
  return verdicts;
}

async function runOne(
  ctx: Context,
  worker: Latched,
  facts: Facts,
  started: (worker: Latched) => void,
): Promise<Verdict[]> {
  const { server } = ctx;
  const verdict = verdictsOf(worker.name);
  const crontab = facts.crontabs.find((c) => c.name === worker.source);
  const found = crontab?.entries.find((e) => readable(e.entry.command.text) === worker.command.after);
  if (crontab === undefined || found === undefined)
    return [verdict('run-now', 'inconclusive', 'no-entry', [worker.source])];
  const person = await server.people.find(found.user);
  if (person === 'unknown') return [verdict('run-now', 'inconclusive', 'no-user', [], { user: found.user })];
  const lock = worker.lock === undefined ? undefined : `${worker.lock.directory}/${worker.lock.name}.lock`;
  const as = { uid: person.uid, gid: person.gid };
  const eyes = server.self.root ? { uid: worker.uid, gid: worker.gid } : server.self.owner;
  // Looked up each time: the first run makes the file, and a release may have made another.
  const isHeld = async (): Promise<boolean | 'unseen' | 'none'> => {
    const inode = await lockInode(server, lock, eyes);
    return inode === 'none' || inode === 'unseen' ? inode : server.processes.locked(inode);
  };
  const before = await isHeld();
  if (before === true) return [verdict('run-now', 'inconclusive', 'already-running', [lock ?? ''])];
  if (before === 'unseen') return [verdict('run-now', 'inconclusive', 'lock-unseen', [lock ?? ''])];
  const settings = settingsAt(crontab.crontab, found.line);
  const bytes = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
  const given = Object.fromEntries([...settings].map(([name, value]) => [bytes(name), bytes(value)]));
  // What cron itself sets; the crontab's own settings come on top, all but the name.
  const env = { PATH: '/usr/bin:/bin', SHELL: '/bin/sh', HOME: person.home, ...given, LOGNAME: person.name };
  const { text, stdin } = found.entry.command;
  // An argument list is UTF-8 to Node: another command than cron's would be run.
  if (!isUtf8(Buffer.from(text, 'latin1')))
    return [verdict('run-now', 'inconclusive', 'not-utf8', [worker.source])];
  const baselines = await baselinesOf(server, [worker]);
  const began = server.elapsed();
  const ran = await server.programs.run([env.SHELL, '-c', bytes(text)], {
    as,
    cwd: env.HOME,
    env,
    ...(stdin === undefined ? {} : { input: stdin }),
    timeout: seconds(word(ctx, 'max-wait') ?? '10m', '--max-wait') * 1000,
  });
  if (ran.code !== 'missing') started(worker);
  const took = Math.round((server.elapsed() - began) / 100) / 10;
  const said = `${ran.stdout}\n${ran.stderr}`.trim().split('\n').slice(-3);
  const args = { code: String(ran.code), seconds: took };
  const is = ran.code === 0 ? 'pass' : ran.code === 'timeout' ? 'inconclusive' : 'fail';
  const because = ran.code === 0 ? 'ended-well' : ran.code === 'timeout' ? 'still-running' : 'ended-badly';
  const free = await isHeld();
  return [
    verdict('run-now', is, because, said, args),
    ...(await judgeLog(server, worker, baselines, { runs: 1 })),
    ...(lock === undefined
      ? []
      : [
          free === false
            ? verdict('lock-free', 'pass', 'free', [lock])
            : verdict(
                'lock-free',
                free === true ? 'fail' : 'inconclusive',
                free === true ? 'still-held' : free === 'none' ? 'no-lock' : 'lock-unseen',
                [lock],
              ),
        ]),
  ];
}
