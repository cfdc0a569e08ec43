// report DIR: one report of many hosts, made of the watches that were collected from them.
import { dirname, join, resolve } from 'node:path/posix';
import { bytesOf } from '../change/encode.ts';
import { type FleetReport, fleetReport } from '../fleet/report.ts';
import { type HostResult, readResult } from '../fleet/results.ts';
import { Problem } from '../problem.ts';
import { fleetLines } from '../show/fleet.ts';
import { fleetPage } from '../show/fleetPage.ts';
import { type Context, type Result, reportSchema, word } from './context.ts';
import { refuseUntrusted } from './trust.ts';

/** Exit 3 when a host failed, 6 when one was not watched or could not be measured. */
export async function reportFleet(ctx: Context): Promise<Result> {
  const { id: from } = ctx.line;
  if (from === undefined)
    throw new Problem('usage', {
      what: 'The directory with the hosts’ watches is missing.',
      next: 'For example: cronlatch report watches --html fleet.html',
    });
  const to = word(ctx, 'html');
  const page = to === undefined ? undefined : resolve(ctx.around.cwd, to);
  if (page !== undefined) await checkPlace(ctx, page);
  const report = fleetReport(await resultsIn(ctx, resolve(ctx.around.cwd, from)));
  ctx.screen.print(...fleetLines(report, ctx.screen.out));
  if (page !== undefined) {
    await put(ctx, page, fleetPage(report, ctx.version));
    ctx.screen.say(`Written: ${to}`);
  }
  return { json: document(ctx, report, page), exit: report.outcome.exit };
}

function document(ctx: Context, report: FleetReport, page: string | undefined): Record<string, unknown> {
  const { schema: _, outcome, ...rest } = report;
  return {
    schema: reportSchema,
    command: 'report',
    version: ctx.version,
    ...rest,
    ...(page === undefined ? {} : { html: page }),
    outcome,
  };
}

async function resultsIn(ctx: Context, directory: string): Promise<HostResult[]> {
  const { files, self } = ctx.server;
  const seen = await files.look(directory, self.owner);
  const names = seen.is === 'directory' ? await files.list(directory, self.owner) : 'absent';
  if (names === 'absent') throw new Problem('file-missing', { path: directory });
  const results: HostResult[] = [];
  for (const name of names) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const file = await files.look(join(directory, name), self.owner);
    results.push(
      file.is === 'file'
        ? readResult(name, Buffer.from(file.bytes, 'latin1').toString('utf8'))
        : { host: name.replace(/\.json$/, ''), is: 'unwatched', because: 'it is no regular file' },
    );
  }
  if (results.length === 0)
    throw new Problem('usage', {
      what: `There is no watch in ${directory}: it has no file that ends in .json.`,
    });
  return results;
}

/** What cannot be written is said before anything is read. */
async function checkPlace({ server }: Context, path: string): Promise<void> {
  const { files, self } = server;
  if ((await files.look(dirname(path), self.owner)).is !== 'directory')
    throw new Problem('file-missing', { path: dirname(path) });
  const seen = await files.look(path, self.owner);
  if (seen.is !== 'absent' && seen.is !== 'file')
    throw new Problem('usage', { what: `--html ${path}: something else than a file stands there.` });
  if (self.root) await refuseUntrusted(server, dirname(path));
}

/** Whole or not at all. */
async function put({ server }: Context, path: string, text: string): Promise<void> {
  const { files, self } = server;
  const beside = join(dirname(path), `.${path.slice(path.lastIndexOf('/') + 1)}.${self.pid}`);
  await files.write(beside, bytesOf(text), { mode: 0o600, ...self.owner }, self.owner);
  await files.rename(beside, path, self.owner);
}
