// Can anybody download the worker's log? Asked of the site itself, by comparing what it hands out with the log's first bytes.
import { basename } from 'node:path/posix';
import type { Latched } from '../change/plan.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { docrootAbove } from '../worker/place.ts';
import { type Verdict, verdictsOf } from './verdict.ts';

/**
 * The address of the site that a worker's log would lie in: the one that was given for its document root, the one whose host
 * is in its path, or the only one where all logs lie in one site. Asked for another site's log, a site would say nothing of it.
 */
export function addressOf(
  worker: Latched,
  workers: readonly Latched[],
  given: readonly string[],
): string | 'none' | 'unclear' {
  if (given.length === 0) return 'none';
  const rootOf = ({ log }: Latched): string => (log === undefined ? 'no' : docrootAbove(log));
  const root = rootOf(worker);
  const pairs = given.map((one) => /^(?:(\/[^=]*?)\/?=)?(.*)$/s.exec(one)?.slice(1) ?? []);
  const named = pairs.find(([at]) => at === root)?.[1];
  if (named !== undefined) return named;
  const bare = pairs.flatMap(([at, url = '']) => (at === undefined ? [url] : []));
  const parts = new Set(root.toLowerCase().split('/'));
  const own = bare.filter((url) => parts.has(hostOf(url)) || parts.has(hostOf(url).replace(/^www\./, '')));
  if (own.length === 1) return own[0] ?? 'unclear';
  const roots = new Set(workers.map(rootOf).filter((one) => one !== 'no'));
  return bare.length === 1 && pairs.length === 1 && roots.size <= 1 ? (bare[0] ?? 'unclear') : 'unclear';
}

function hostOf(url: string): string {
  return /^[a-z]+:\/\/(?:[^/@]*@)?([^/:?#]+)/i.exec(url)?.[1]?.toLowerCase() ?? '';
}

/** `site` is the address of the site, such as https://example.com. */
export async function judgeDownload(
  server: Server,
  worker: Latched,
  site: string | 'none' | 'unclear',
): Promise<Verdict> {
  const verdict = verdictsOf(worker.name);
  const say = (is: Verdict['is'], because: string, evidence: readonly string[], args = {}): Verdict =>
    verdict('log-private', is, because, evidence, args);
  const { log } = worker;
  if (log === undefined) return say('skip', 'no-log', []);
  const docroot = docrootAbove(log);
  // Document roots are told by their names here: that none is above the log proves nothing.
  if (docroot === 'no')
    return site === 'none' ? say('skip', 'no-docroot', [log]) : say('inconclusive', 'no-address', [log]);
  if (site === 'none') return say('warn', 'in-docroot', [log], { docroot });
  if (site === 'unclear') return say('inconclusive', 'which-site', [log], { docroot });
  const path = log
    .slice(docroot.length)
    .split('/')
    .map((part) => encodeURIComponent(part))
    .join('/');
  const url = `${site.replace(/\/+$/, '')}${path}`;
  const own = await firstBytes(server, worker, log);
  const answer = await server.web.get(url, 5000);
  const args = { url, name: basename(log) };
  if ('failed' in answer) return say('inconclusive', 'no-answer', [url], { ...args, why: answer.failed });
  const { status, body } = answer;
  if ([401, 403].includes(status)) return say('pass', 'refused', [url], { ...args, status });
  // So says the wrong site of everything, too.
  if ([404, 410].includes(status)) return say('inconclusive', 'not-there', [url], { ...args, status });
  if (status !== 200 && status !== 206) return say('inconclusive', 'odd-answer', [url], { ...args, status });
  if (own === '') return say('inconclusive', 'empty-log', [url], args);
  // Many sites answer 200 to everything: what counts is whether it is the log.
  const length = Math.min(own.length, body.length);
  return length > 0 && own.slice(0, length) === body.slice(0, length)
    ? say('fail', 'downloadable', [url], args)
    : say('pass', 'another-page', [url], { ...args, status });
}

async function firstBytes(server: Server, worker: Latched, log: string): Promise<string> {
  const as = server.self.root ? (worker.logOwner ?? { uid: worker.uid, gid: worker.gid }) : server.self.owner;
  try {
    const real = await server.files.real(log, as);
    if (real === 'absent') return '';
    const first = await server.files.part(real, 0, 512, as);
    return first === 'absent' ? '' : first.text;
  } catch (error) {
    if (error instanceof Problem) return '';
    throw error;
  }
}
