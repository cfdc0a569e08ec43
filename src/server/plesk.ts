// The panel, asked by the one program of its own that is public. Each question is one run, with a time limit.

import type { Read } from '../plesk/answer.ts';
import { isDomain, readInfo } from '../plesk/info.ts';
import { readListed } from '../plesk/listed.ts';
import { readHandlers } from '../plesk/phpHandlers.ts';
import { programPlaces } from '../plesk/places.ts';
import { readPsaConf } from '../plesk/psaConf.ts';
import { oneTaskQuery, readSites, readTasks, siteQuery, taskQuery } from '../plesk/rows.ts';
import { readVerbs, updateWords } from '../plesk/scheduler.ts';
import { readVersion } from '../plesk/version.ts';
import { Problem } from '../problem.ts';
import type { Answer, Plesk } from './panelPort.ts';
import type { Files, Programs, Ran, Self } from './server.ts';

/** Milliseconds; a busy panel takes seconds for a list. */
const usualPatience = 30_000;

/** The panel of the machine that `files` and `programs` are of; `conf` is the text of its psa.conf. */
export function panel(
  conf: string,
  files: Files,
  programs: Programs,
  self: Self,
  patience = usualPatience,
): Plesk {
  const known = readPsaConf(conf);
  let found: Promise<string | 'none'> | undefined;
  const find = async (): Promise<string | 'none'> => {
    for (const path of programPlaces(known.product))
      if (await files.executable(path, self.owner)) return path;
    return 'none';
  };
  const run = async (words: readonly string[]): Promise<Ran> => {
    found ??= find();
    const program = await found;
    if (program === 'none' || !self.root) return { code: 'missing', stdout: '', stderr: '' };
    return programs.run([program, ...words], {
      as: self.owner,
      cwd: '/',
      // Labels are translated otherwise, and mysql(1) reads its own files from HOME.
      env: { LC_ALL: 'C', LANG: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
      timeout: patience,
    });
  };
  const ask = async <T>(
    words: readonly string[],
    read: (text: string) => Read<T>,
    textOf = (ran: Ran) => ran.stdout,
  ): Promise<Answer<T>> => {
    const ran = await run(words);
    const failed = failureOf(words, ran, patience);
    if (failed !== 'none') return failed;
    const answer = read(textOf(ran));
    if (answer.is === 'read') return { is: 'answer', value: answer.value };
    return { is: 'unanswered', asked: said(words), why: 'garbage', said: answer.why };
  };
  const query = <T>(sql: string, read: (text: string) => Read<T>): Promise<Answer<T>> =>
    ask(['db', '-B', '-N', '-e', sql], read);

  return {
    conf: known,
    version: () => ask(['version'], readVersion),
    sites: () => query(siteQuery, readSites),
    site: async (name) => {
      if (isDomain(name)) return ask(['bin', 'site', '--info', name], readInfo);
      return { is: 'unanswered', asked: 'plesk bin site', why: 'garbage', said: `${name} is no domain name` };
    },
    handlers: () => ask(['bin', 'php_handler', '--list', '-json', 'true'], readHandlers),
    tasks: () => query(taskQuery, readTasks),
    task: async (id) => {
      const answer = await query(oneTaskQuery(id), readTasks);
      if (answer.is === 'unanswered') return answer;
      return { is: 'answer', value: answer.value.find((task) => task.id === id) ?? 'gone' };
    },
    // A usage text may come by either way.
    verbs: () =>
      ask(['bin', 'scheduler', '--help'], readVerbs, ({ stdout, stderr }) => `${stdout}\n${stderr}`),
    listed: async (subscription) => {
      if (isDomain(subscription))
        return ask(['bin', 'scheduler', '--list', '-subscription', subscription, '-json'], readListed);
      const said = `${subscription} is no domain name`;
      return { is: 'unanswered', asked: 'plesk bin scheduler --list', why: 'garbage', said };
    },
    update: async ({ id, before, after, php }) => {
      const words = ['bin', 'scheduler', ...updateWords(id, before, after, php)];
      const failed = failureOf(words, await run(words), patience);
      if (failed !== 'none')
        throw new Problem('plesk-refused', { id, asked: failed.asked, said: failed.said });
    },
    probe: run,
  };
}

function failureOf(
  words: readonly string[],
  ran: Ran,
  patience: number,
): Extract<Answer<never>, { is: 'unanswered' }> | 'none' {
  if (ran.code === 0) return 'none';
  const asked = said(words);
  if (ran.code === 'missing')
    return { is: 'unanswered', asked, why: 'missing', said: 'there is no program plesk' };
  if (ran.code === 'timeout')
    return { is: 'unanswered', asked, why: 'late', said: `it did not answer within ${patience / 1000} s` };
  const text = (ran.stderr.trim() || ran.stdout.trim()).split('\n')[0]?.slice(0, 200) ?? '';
  const because = text === '' ? '' : `: ${text}`;
  return { is: 'unanswered', asked, why: 'failed', said: `exit code ${ran.code}${because}` };
}

/** The question in words; a query is named by what it is about. */
function said(words: readonly string[]): string {
  if (words[0] !== 'db') return ['plesk', ...words].slice(0, 5).join(' ');
  return `plesk db: ${/ FROM (\w+)/.exec(words.at(-1) ?? '')?.[1] ?? 'a query'}`;
}
