// What is asked before a deploy and not in a scan: does the panel change tasks, and do the chosen interpreters run?
import type { Server } from '../server/server.ts';
import type { Facts, Finding, Job } from './facts.ts';

/** Extensions a worker may want: the guard needs none of them, and works better with the first two. */
const WANTED = ['posix', 'pcntl', 'pdo_mysql'];

const phpCode = 'echo json_encode([PHP_VERSION, PHP_SAPI, get_loaded_extensions()]);';
const nodeCode = 'console.log(JSON.stringify([process.versions.node, "cli", []]))';

/** The facts with the answers. Only jobs that are meant are asked about. */
export async function withAnswers(
  server: Server,
  facts: Facts,
  jobs: readonly Job[],
): Promise<{ readonly facts: Facts; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const { interpreter, owner, user, sourceName: source, line } of jobs) {
    const { path, because, kind } = interpreter;
    if (because === undefined || path === 'missing') continue;
    const key = `${owner.uid} ${path}`;
    const ran = await server.programs.run(
      kind === 'php' ? [path, '-d', 'display_errors=0', '-r', phpCode] : [path, '-e', nodeCode],
      // As cron would start it: the user, his home, a bare environment.
      { as: owner, cwd: '/', env: { PATH: '/usr/bin:/bin', HOME: user.home }, timeout: 20_000 },
    );
    const seen = readRun(ran.code === 0 ? ran.stdout : '');
    const where = { source, line };
    if (seen === 'unread' || seen.sapi !== 'cli') {
      const why = seen === 'unread' ? `does not run (${ran.code})` : `is ${seen.sapi} and no cli`;
      findings.push({
        level: 'stop',
        code: 'interpreter-unfit',
        where,
        args: { path, user: user.name, why },
      });
    } else if (!told.has(key)) {
      const lacks = kind === 'php' ? WANTED.filter((name) => !seen.extensions.includes(name)).join(', ') : '';
      const args = { path, user: user.name, version: seen.version, sapi: seen.sapi, lacks };
      findings.push({ level: 'note', code: 'interpreter-ran', where, args });
    }
    told.add(key);
  }
  const { plesk } = facts;
  const known = plesk === 'none' || plesk.is === 'closed' || plesk.verbs !== undefined;
  if (known || jobs.every((job) => job.task === undefined)) return { facts, findings };
  const panel = await server.plesk();
  if (panel === 'none') return { facts, findings };
  return { facts: { ...facts, plesk: { ...plesk, verbs: await panel.verbs() } }, findings };
}

function readRun(
  text: string,
): { readonly version: string; readonly sapi: string; readonly extensions: readonly string[] } | 'unread' {
  try {
    // A php.ini may have the start print something before it.
    const [version, sapi, extensions] = JSON.parse(text.slice(text.indexOf('["'))) as [
      string,
      string,
      string[],
    ];
    const all = [version, sapi, ...extensions];
    return all.every((one) => typeof one === 'string') ? { version, sapi, extensions } : 'unread';
  } catch {
    return 'unread';
  }
}
