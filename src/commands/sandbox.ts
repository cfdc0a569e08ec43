// sandbox: the incident and its cure on a disposable site, in under a minute. Touches nothing of the machine.
import legacyNode from '../../templates/sandbox/process_import_jobs.mjs?raw';
import legacyPhp from '../../templates/sandbox/process_import_jobs.php?raw';
import type { Settings } from '../ask/settings.ts';
import type { Line } from '../cli/line.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { findProgram, type Stage, setStage } from '../server/stage.ts';
import { type Instance, instancesOf, lockInode } from '../survey/instances.ts';
import { type Context, flag, type Result, reportSchema } from './context.ts';
import { deploy } from './deploy.ts';
import { rollback } from './rollback.ts';
import { type Database, databaseFor } from './sandboxDatabase.ts';

/** Two of the incident's minutes pass in three seconds. */
const speed = 40;

interface Site {
  readonly stage: Stage;
  readonly kind: 'php' | 'node';
  readonly home: string;
  readonly script: string;
  readonly crontab: string;
}

/** Shows instances piling up, deploys, verifies, rolls back. Fails unless it saw two or more before and never more than one after. */
export async function sandbox(ctx: Context, fast: (clock: () => number) => Promise<Server>): Promise<Result> {
  return ctx.interrupts.guard(async () => {
    const stage = setStage();
    const keep = flag(ctx, 'keep');
    const started = Date.now();
    // Whole minutes begin when the sandbox does, so that the first tick is not waited for.
    const clock = (): number => Math.floor(started / 120_000) * 120_000 + (Date.now() - started) * speed;
    try {
      const server = await fast(clock);
      const seen = await play(ctx, stage, server, clock);
      const seconds = Math.round((Date.now() - started) / 1000);
      ctx.screen.print(
        '',
        `Done in ${seconds} s: ${seen.before} instances at once before, never more than ${seen.after} after, everything put back.`,
      );
      ctx.screen.print(
        keep
          ? `Look at it: ${stage.directory} (crontab, site, state/deployments); remove it when you are done.`
          : 'Nothing of it is left. To look at the files: cronlatch sandbox --keep',
      );
      ctx.screen.print('On a real server: cronlatch scan, then cronlatch deploy --dry-run');
      return {
        json: {
          schema: reportSchema,
          command: 'sandbox',
          before: seen.before,
          after: seen.after,
          database: seen.database,
          refused: seen.refused,
          seconds,
          outcome: { is: 'shown', exit: 0 },
        },
        exit: 0,
      };
    } finally {
      await stage.close(keep);
    }
  });
}

async function play(
  ctx: Context,
  stage: Stage,
  server: Server,
  clock: () => number,
): Promise<{ before: number; after: number; refused: number; database: Database['says'] }> {
  const title = (text: string): void => ctx.screen.print('', ctx.screen.out.bold(text));
  const site = build(stage);
  title(`1  A site with a cron worker and no lock (${site.kind === 'php' ? 'PHP' : 'no PHP here, so Node'})`);
  ctx.screen.print(`   ${stage.directory}`, `   ${stage.read('crontab').trim().split('\n').at(-1)}`);
  const database = await databaseFor(ctx, stage, site.kind);
  ctx.screen.print(`   database: ${database.text}`);

  title('2  Cron starts it every two minutes, whether or not the last run has ended');
  stage.tick(site.crontab, clock, database.env);
  const before = await pileUp(ctx, server, site, database.fills);
  const refused = refusals(stage.mail());
  if (refused > 0)
    ctx.screen.print(
      `   the database refused ${refused} of them: ${/SQLSTATE.*/.exec(stage.mail())?.[0] ?? ''}`,
    );

  title('3  cronlatch deploy');
  const original = {
    crontab: stage.read('crontab'),
    script: stage.read(site.script.slice(stage.directory.length + 1)),
  };
  const inner = innerContext(ctx, server, stage, site);
  const more = setInterval(() => addJob(stage), 2000);
  try {
    const deployed = await deploy(inner({ command: 'deploy', flags: { ci: true, 'max-wait': '40m' } }));
    stopIfAsked(ctx);
    if (deployed.exit !== 0)
      throw new Problem('sandbox', { what: `deploy ended with exit code ${deployed.exit}` });
    title('4  Watching two more ticks');
    const mailed = doneIn(stage.mail());
    const after = await watchAfter(ctx, server, site);
    // An old run that met the guard goes on with the lock, and still writes to where cron sends it.
    const done = doneJobs(stage, site) + doneIn(stage.mail()) - mailed;
    if (after > 1) throw new Problem('sandbox', { what: `${after} instances ran at once after the deploy` });
    if (after === 0 || done === 0) {
      throw new Problem('sandbox', { what: 'no run was seen, or no job was done, after the deploy' });
    }
    ctx.screen.print(`   never more than ${after} instance; ${done} jobs done so far`);

    title('5  cronlatch rollback');
    const back = await rollback(inner({ command: 'rollback', flags: { ci: true } }));
    // A signal is heard when nothing else is to be done: the rollback itself never waits.
    await server.wait(10);
    stopIfAsked(ctx);
    if (back.exit !== 0) throw new Problem('sandbox', { what: `rollback ended with exit code ${back.exit}` });
    if (
      stage.read('crontab') !== original.crontab ||
      stage.read(site.script.slice(stage.directory.length + 1)) !== original.script
    ) {
      throw new Problem('sandbox', { what: 'the bytes after the rollback are not those before the deploy' });
    }
    return { before, after, refused, database: database.says };
  } finally {
    clearInterval(more);
  }
}

function build(stage: Stage): Site {
  const php = findProgram('php');
  const kind = php === 'none' ? 'node' : 'php';
  const program = php === 'none' ? process.execPath : php;
  const home = `${stage.directory}/var/www/vhosts/example.com`;
  const name = `process_import_jobs.${kind === 'php' ? 'php' : 'mjs'}`;
  stage.write(`var/www/vhosts/example.com/httpdocs/scripts/${name}`, kind === 'php' ? legacyPhp : legacyNode);
  for (let i = 0; i < 3; i++) addJob(stage);
  // As on a hosting server: the interpreter by its bare name, found on cron's short PATH.
  const path = ['/usr/bin', '/bin'].some((d) => program.startsWith(`${d}/`))
    ? []
    : [`PATH=${program.slice(0, program.lastIndexOf('/'))}:/usr/bin:/bin`];
  const bare = program.slice(program.lastIndexOf('/') + 1);
  stage.write(
    'crontab',
    `${[`HOME=${home}`, ...path, `*/2 * * * *  ${bare} httpdocs/scripts/${name}`].join('\n')}\n`,
    0o600,
  );
  return {
    stage,
    kind,
    home,
    script: `${home}/httpdocs/scripts/${name}`,
    crontab: `${stage.directory}/crontab`,
  };
}

let jobs = 0;
function addJob(stage: Stage): void {
  jobs++;
  stage.write(`var/www/vhosts/example.com/jobs/import-${String(jobs).padStart(4, '0')}.todo`, '{}\n');
}

function doneJobs(stage: Stage, site: Site): number {
  const log = stage.read(
    `${site.home.slice(stage.directory.length + 1)}/cronlatch/process_import_jobs/output.log`,
  );
  return doneIn(log);
}

function doneIn(text: string): number {
  return (text.match(/ done /g) ?? []).length;
}

/** Waits until two or more run at once, from /proc. */
async function pileUp(ctx: Context, server: Server, site: Site, fills: number): Promise<number> {
  let most = 0;
  // One tick more than the account has connections: that one is what the database refuses. A tick is three seconds.
  const long = Math.max(10_000, (fills + 1) * 3000 + 1000);
  for (let waited = 0; waited < long + 10_000; waited += 250) {
    stopIfAsked(ctx);
    const running = await instances(server, site);
    if (running.length > most) {
      most = running.length;
      ctx.screen.print(
        `   ${most} instance${most === 1 ? '' : 's'} running: PID ${running.map((i) => i.pid).join(', ')}`,
      );
    }
    if (most >= 2 && waited >= long) return most;
    await server.wait(250);
  }
  if (most < 2) throw new Problem('sandbox', { what: `instances did not pile up: at most ${most} was seen` });
  return most;
}

/** Most instances at once over two ticks; who is there without the lock for under three seconds is a loser on its way out. */
async function watchAfter(ctx: Context, server: Server, site: Site): Promise<number> {
  const ages = new Map<string, number>();
  let most = 0;
  for (let waited = 0; waited < 6_500; waited += 250) {
    stopIfAsked(ctx);
    const running = await instances(server, site);
    const keys = running.map((i) => `${i.pid}:${i.start}`);
    for (const key of keys) ages.set(key, (ages.get(key) ?? 0) + 1);
    most = Math.max(
      most,
      running.filter((i) => i.holds === true || (ages.get(`${i.pid}:${i.start}`) ?? 0) >= 12).length,
    );
    await server.wait(250);
  }
  return most;
}

async function instances(server: Server, site: Site): Promise<Instance[]> {
  const lock = `${site.home}/cronlatch/process_import_jobs/process_import_jobs.lock`;
  const script = await server.files.real(site.script, server.self.owner);
  return instancesOf(
    server,
    { script, uid: server.self.owner.uid, interpreter: site.kind },
    await lockInode(server, lock, server.self.owner),
  );
}

function refusals(mail: string): number {
  return (mail.match(/\[(1203|1226|1040)\]/g) ?? []).length;
}

function stopIfAsked(ctx: Context): void {
  const heard = ctx.interrupts.heard();
  if (heard !== 'no')
    throw new Problem(
      'interrupted',
      { what: 'Interrupted. The sandbox is being cleared away.' },
      { exit: heard === 'SIGINT' ? 130 : 143 },
    );
}

function innerContext(ctx: Context, server: Server, stage: Stage, site: Site): (line: Line) => Context {
  const settings: Settings = {
    scope: { is: 'files', paths: [site.crontab], system: false, live: true },
    dialect: 'debian',
    pick: { is: 'all' },
    // A DATABASE_URL of whoever tries it is none of the sandbox's business.
    latching: { once: 'auto', grace: 600, killAfter: 1200, without: ['database'] },
    stateDirectory: `${stage.directory}/state`,
  };
  return (line) => ({
    ...ctx,
    server: { ...server, self: { ...server.self, zone: 'UTC' } },
    settings,
    line,
    consent: { given: true, prompts: false, because: 'the sandbox asks nothing' },
  });
}
