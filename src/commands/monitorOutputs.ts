// What a watch leaves for others: report files, metrics, a word to a service that waits for it.
import { dirname, resolve } from 'node:path/posix';
import { bytesOf } from '../change/encode.ts';
import { hideSecrets } from '../command/secrets.ts';
import type { Summary } from '../monitor/summary.ts';
import { Problem, reasonOf } from '../problem.ts';
import { metricsText } from '../show/metrics.ts';
import { summaryLines } from '../show/watch.ts';
import { type Context, reportSchema, word, words } from './context.ts';
import { privateFile } from './databaseAccess.ts';
import { refuseUntrusted } from './trust.ts';

/** Whoever is told has so many milliseconds. */
const patience = 10_000;

/** A report in one of the forms, as text. */
const forms: Readonly<Record<string, (summary: Summary) => Promise<string>>> = {
  html: async (summary) => (await import('../show/reportHtml.ts')).reportHtml(summary),
  md: async (summary) => (await import('../show/reportMarkdown.ts')).reportMarkdown(summary),
  json: async (summary) => (await import('../show/reportJson.ts')).reportJson(summary),
};

function reportPaths(ctx: Context): readonly string[] {
  // One path may have spaces in it; a list comes from repeated flags or from the config file.
  const one = word(ctx, 'report');
  return (one === undefined ? words(ctx, 'report') : [one]).map((path) => resolve(ctx.around.cwd, path));
}

const ending = (path: string): string => /\.([a-z]+)$/.exec(path)?.[1] ?? '';

/** Refuses what could not be written at the end while that costs nothing. */
export async function checkOutputs(ctx: Context): Promise<void> {
  const textfile = word(ctx, 'textfile');
  for (const path of reportPaths(ctx)) {
    if (forms[ending(path)] === undefined)
      throw new Problem('usage', {
        what: `--report ${path}: it ends in ${Object.keys(forms)
          .map((name) => `.${name}`)
          .join(', ')}.`,
      });
    await checkPlace(ctx, path);
  }
  if (textfile !== undefined) {
    if (!textfile.endsWith('.prom'))
      throw new Problem('usage', {
        what: `--textfile ${textfile}: node_exporter reads files that end in .prom.`,
      });
    await checkPlace(ctx, resolve(ctx.around.cwd, textfile));
  }
  const url = await pingUrl(ctx);
  if (url === undefined) return;
  if (!/^https?:\/\/[^/]/.test(url))
    throw new Problem('usage', { what: '--ping-url: an address with http or https is needed.' });
  // fetch takes none of them, and says so only when the watch is over.
  if (/^https?:\/\/[^/?#]*@/.test(url))
    throw new Problem('usage', {
      what: '--ping-url: a user and a password in the address are not sent.',
      next: 'Name an address whose path is the secret, as healthchecks.io gives it.',
    });
}

/** The address, from whatever place: on a command line everybody on the machine can read it. */
async function pingUrl(ctx: Context): Promise<string | undefined> {
  const file = word(ctx, 'ping-url-file');
  const url = word(ctx, 'ping-url');
  if (file === undefined) return url;
  if (url !== undefined)
    throw new Problem('usage', { what: '--ping-url and --ping-url-file cannot be used together.' });
  return (await privateFile(ctx, '--ping-url-file', file)).trim();
}

async function checkPlace({ server }: Context, path: string): Promise<void> {
  const directory = dirname(path);
  const seen = await server.files.look(directory, server.self.owner);
  if (seen.is !== 'directory') throw new Problem('file-missing', { path: directory });
  // Root's file in a directory of others could be led anywhere.
  if (server.self.root) await refuseUntrusted(server, directory);
  // Nothing can be renamed over a directory: better said now than after an hour.
  if ((await server.files.look(path, server.self.owner, 0)).is === 'directory')
    throw new Problem('usage', { what: `${path} is a directory: name the file that is to be written.` });
}

/** Writes every report that was asked for; one that cannot be written is said and costs the others nothing. */
export async function writeReports(ctx: Context, summary: Summary): Promise<string[]> {
  const written: string[] = [];
  for (const path of reportPaths(ctx)) {
    const form = forms[ending(path)];
    if (form !== undefined && (await put(ctx, path, await form(summary), 0o600))) written.push(path);
  }
  return written;
}

/** Metrics are read by another user's program. */
export async function writeTextfile(ctx: Context, summary: Summary): Promise<void> {
  const path = word(ctx, 'textfile');
  if (path !== undefined) await put(ctx, resolve(ctx.around.cwd, path), metricsText(summary), 0o644);
}

/** Whole or not at all: a reader never sees half of it. */
async function put(ctx: Context, path: string, text: string, mode: number): Promise<boolean> {
  const { files, self } = ctx.server;
  const beside = `${dirname(path)}/.${path.slice(path.lastIndexOf('/') + 1)}.${self.pid}`;
  try {
    if ((await files.look(beside, self.owner)).is !== 'absent') await files.remove(beside, self.owner);
    await files.write(beside, bytesOf(text), { mode, ...self.owner }, self.owner);
    await files.rename(beside, path, self.owner);
    return true;
  } catch (error) {
    ctx.screen.say(`Not written: ${reasonOf(error)}`);
    // What was written beside it, if it came so far.
    await files.remove(beside, self.owner).catch(() => undefined);
    return false;
  }
}

/** A word to who waits for it: nobody's answer changes what the watch comes to. */
export async function ping(
  ctx: Context,
  what: 'start' | Summary['outcome']['is'],
  id: string,
  summary?: Summary,
): Promise<void> {
  // A file that has gone meanwhile is no reason to lose the watch.
  const url = await pingUrl(ctx).catch((error: unknown) => {
    ctx.screen.say(`Nobody is told: ${reasonOf(error)}`);
    return undefined;
  });
  if (url === undefined) return;
  const way = { start: '/start', pass: '', fail: '/fail', inconclusive: '/log' }[what];
  const [path = '', query] = url.split('?');
  const address = `${path.replace(/\/+$/, '')}${way}${query === undefined ? '' : `?${query}`}`;
  const plain = (text: string): string => text;
  const theme = { ...ctx.screen.out, bold: plain, dim: plain, good: plain, bad: plain, odd: plain };
  const text = summary === undefined ? id : summaryLines(summary, theme, ctx.server.self.zone).join('\n');
  const answer = await ctx.server.web.post(address, hideSecrets(text), patience);
  // The address is a secret of its own: who knows it can say that all is well.
  if ('failed' in answer) ctx.screen.say(`The address of --ping-url was not reached: ${answer.failed}`);
  else if (answer.status >= 300) ctx.screen.say(`The address of --ping-url answers ${answer.status}.`);
}

/** The document of --json. */
export function watchJson(
  summary: Summary,
  path: string,
  exit: number,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const { schema: _, outcome, ...rest } = summary;
  return {
    schema: reportSchema,
    command: 'monitor',
    ...more,
    watch: rest,
    records: path,
    outcome: { is: outcome.is, exit },
  };
}
