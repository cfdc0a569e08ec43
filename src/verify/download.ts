// Can anybody download the worker's log? Asked of the site itself, by comparing what it hands out with the log's first bytes.
import { basename } from 'node:path/posix';
import type { Latched } from '../change/plan.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { docrootAbove } from '../worker/place.ts';
import { type Verdict, verdictsOf } from './verdict.ts';

/** `site` is the address of the site, such as https://example.com. */
export async function judgeDownload(
  server: Server,
  worker: Latched,
  site: string | undefined,
): Promise<Verdict> {
  const verdict = verdictsOf(worker.name);
  const say = (is: Verdict['is'], because: string, evidence: readonly string[], args = {}): Verdict =>
    verdict('log-private', is, because, evidence, args);
  const { log } = worker;
  if (log === undefined) return say('skip', 'no-log', []);
  const docroot = docrootAbove(log);
  // Document roots are told by their names here: that none is above the log proves nothing.
  if (docroot === 'no')
    return site === undefined ? say('skip', 'no-docroot', [log]) : say('inconclusive', 'no-address', [log]);
  if (site === undefined) return say('warn', 'in-docroot', [log], { docroot });
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
