// scan --probe FILE: what this Plesk really answers, without names, for a bug report. Reads only, writes one file.
import { resolve } from 'node:path/posix';
import { hideSecrets } from '../command/secrets.ts';
import { probes } from '../plesk/probes.ts';
import { namesOf, redact, withoutWords } from '../plesk/redact.ts';
import { Problem } from '../problem.ts';
import { type Context, type Result, reportSchema } from './context.ts';

/** Asks, takes out what says whose server it is, and writes it down. */
export async function probe(ctx: Context, to: string): Promise<Result> {
  const { server, screen } = ctx;
  const path = resolve(ctx.around.cwd, to);
  const plesk = await server.plesk();
  if (plesk === 'none')
    throw new Problem('usage', {
      what: '--probe asks Plesk, and there is none here (no /etc/psa/psa.conf).',
    });
  if (!server.self.root)
    throw new Problem('not-allowed', {
      act: 'ask Plesk',
      reason: 'its program answers root alone',
      next: 'Run it as root.',
    });
  if ((await server.files.look(path, server.self.owner)).is !== 'absent')
    throw new Problem('usage', { what: `--probe ${to}: name a file that is not there yet.` });
  const sites = await plesk.sites();
  const all = sites.is === 'answer' ? sites.value : [];
  const tasks = await plesk.tasks();
  const users = tasks.is === 'answer' ? tasks.value.map((task) => task.user) : [];
  // One subscription that has tasks tells what can be told.
  const one = all.find((site) => site.subscription === site.name && users.includes(site.login)) ?? all[0];
  const names = namesOf(
    all.map((site) => site.name),
    [...all.map((site) => site.login), ...users],
  );
  const hide = (text: string): string => redact(hideSecrets(text), names);
  const lines = [
    '# cronlatch: what this Plesk answers. Names, addresses, passwords and the words of commands are taken out;',
    '# please look through it all the same before you attach it anywhere.',
    `cronlatch ${ctx.version}`,
    '',
    '## psa.conf',
    ...[...plesk.conf.values].map(([key, value]) => hide(`${key}\t${value}`)),
  ];
  const questions = probes(one?.name ?? 'none', one?.login ?? 'none');
  for (const { about, words, private: theirs } of questions) {
    screen.tell({ code: 'asking', what: words.slice(0, 3).join(' ') });
    const ran = await plesk.probe(words);
    const strip = theirs ? withoutWords : (text: string) => text;
    lines.push('', `## ${about}: ${hide(['plesk', ...words].join(' '))}`, `exit code ${ran.code}`);
    lines.push(
      ...hide(strip(ran.stdout)).split('\n').slice(0, 200),
      ...hide(ran.stderr).split('\n').slice(0, 20),
    );
  }
  if (one !== undefined) {
    const seen = await server.crontabs.read({ is: 'user', user: one.login });
    lines.push('', '## the crontab of that subscription, as Plesk writes it');
    lines.push(
      ...(seen.is === 'none' ? ['(none)'] : hide(withoutWords(seen.text)).split('\n').slice(0, 200)),
    );
  }
  const { uid, gid } = server.self.owner;
  const bytes = Buffer.from(`${lines.join('\n').trimEnd()}\n`, 'utf8').toString('latin1');
  await server.files.write(path, bytes, { mode: 0o600, uid, gid }, server.self.owner);
  screen.print(
    `${questions.length} answers are in ${to}. Nothing was changed.`,
    'Look through it before you attach it to a bug report: docs/plesk.md says what is in it.',
  );
  const outcome = { is: 'probed', exit: 0, file: path, answers: questions.length };
  return { json: { schema: reportSchema, command: 'scan', outcome }, exit: 0 };
}
