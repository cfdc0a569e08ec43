// The wizard with a person of prepared answers, on a server in memory: what is asked, what is not, and what comes of it.
import { beforeEach, describe, expect, test } from 'vitest';
import { commandLine } from '../../src/ask/answers.ts';
import { readAnswers } from '../../src/ask/config.ts';
import { type QuestionName, questions } from '../../src/ask/questions.ts';
import { envName } from '../../src/ask/settle.ts';
import { wizardFlags } from '../../src/cli/commands.ts';
import { flagNames } from '../../src/cli/line.ts';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { wizard } from '../../src/commands/wizard.ts';
import { wordsOf } from '../../src/show/questions.ts';
import { contextFor } from '../support/context.ts';
import { cronRuns } from '../support/memory-cron.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script, spool } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const mails = `${home}/httpdocs/scripts/mails.php`;
const odd = `${home}/httpdocs/it's odd/r&d.php`;
/** Its source hands the arguments on: whether it knows --once cannot be told. */
const unclear = '<?php\nrequire __DIR__ . "/bootstrap.php";\nrun($argv);\n';

let machine: Machine;
let asked: string[];
beforeEach(() => {
  machine = incident();
  asked = [];
});

/** Two more workers in the crontab. */
function three(): void {
  machine.directory(`${home}/httpdocs/it's odd`, own);
  machine.put(mails, unclear, { ...own, mode: 0o640 });
  machine.put(odd, '<?php\nwork();\n', { ...own, mode: 0o640 });
  const more = `*/5 * * * * /usr/bin/php ${mails} >> ${home}/httpdocs/mails.log 2>&1\n*/7 * * * * /usr/bin/php "${odd}" >> ${home}/odd.log 2>&1\n`;
  machine.put(spool, `${machine.live.get(spool)?.bytes}${more}`, {
    uid: exampleUser.uid,
    gid: 104,
    mode: 0o600,
  });
}

type Answers = Readonly<Record<string, unknown>> | ((question: string, nth: number) => unknown);

/** Runs the wizard. A question that `answers` does not name gets Enter; the last one, where nobody says otherwise, yes. */
async function ask(
  answers: Answers = {},
  line = '--without verify',
  env: Record<string, string> = {},
): Promise<{ exit: number; json: Record<string, unknown>; out: string; said: string }> {
  const counts = new Map<string, number>();
  const told = await contextFor(memoryServer(machine), line, {
    terminal: true,
    env,
    answers: (question) => {
      asked.push(question);
      const nth = (counts.get(question) ?? 0) + 1;
      counts.set(question, nth);
      if (nth > 9) throw new Error(`asked without end: ${question}`);
      const name = (Object.keys(questions) as QuestionName[]).find(
        (one) => wordsOf(one).message === question,
      );
      const said = typeof answers === 'function' ? answers(name ?? question, nth) : answers[name ?? question];
      const one = Array.isArray(said) && name !== 'workers' ? said[nth - 1] : said;
      return one ?? (name === 'consent' ? true : 'Enter');
    },
  });
  const { exit, json } = await wizard(told.ctx);
  return { exit, json, out: told.out(), said: told.err() };
}

const nameOf = (question: string): string =>
  (Object.keys(questions) as QuestionName[]).find((one) => wordsOf(one).message === question) ?? question;
const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
/** The command lines that were printed, as words: nothing in them needs a shell but quotes. */
const printed = (said: string): string[][] =>
  [...said.matchAll(/^ {2}cronlatch (deploy .*--ci)$/gm)].map(([, line = '']) =>
    [...line.matchAll(/(?:'[^']*'|\\.|[^\s'\\])+/g)].map(([word]) =>
      word.replace(/'([^']*)'|\\(.)/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ''),
    ),
  );
const planOf = (json: Record<string, unknown>): { id: string } => json['plan'] as { id: string };

/** Runs printed words as CI does. */
async function inCi(words: readonly string[], more: readonly string[] = []) {
  const told = await contextFor(memoryServer(machine), '', { words: [...words, ...more] });
  const result = await deploy(told.ctx);
  return { ...result, out: told.out() };
}

describe('the wizard', () => {
  test('one worker: what is found, the card, the plan, one consent, the checklist, and the way back', async () => {
    const before = machine.picture();
    cronRuns(machine);
    const done = await ask({}, '');
    expect(done.exit).toBe(0);
    expect(done.said).toContain('One worker, and it is at risk:');
    expect(done.said).toContain('✖ 2 run at this moment, and nothing keeps the next one out');
    expect(done.said).toContain('every 2 minutes (*/2 * * * *): stays as it is');
    expect(done.said).toMatch(/next: \d\d:\d\d, \d\d:\d\d, \d\d:\d\d/);
    expect(asked.map(nameOf)).toEqual(['log', 'review', 'keep', 'watch', 'consent']);
    const id = String(done.json['deployment']);
    expect(done.out).toContain(
      'Changed: 2 directories added, 1 file added, 1 file changed, 1 crontab changed, 2 processes stopped.',
    );
    expect(done.out).toContain(`Journal: /var/lib/cronlatch/deployments/${id}.jsonl`);
    expect(machine.live.has(`/var/lib/cronlatch/deployments/${id}.jsonl`)).toBe(true);
    expect(done.out.trimEnd().split('\n').at(-1)).toBe(`Undo: cronlatch rollback ${id}`);
    machine.onTime = () => {};
    machine.processes = [];
    const told = await contextFor(memoryServer(machine), `rollback ${id} --ci`);
    expect((await rollback(told.ctx)).exit).toBe(0);
    const rest = Object.entries(machine.picture()).filter(([path]) => !path.startsWith(`${home}/cronlatch`));
    expect(Object.fromEntries(rest)).toEqual(before);
  });

  test('a run that takes longer than the time to the next start is said in words an owner understands', async () => {
    machine.put('/proc/uptime', '1000.00 900.00\n');
    machine.processes = machine.processes.map((row) => ({ ...row, start: '78000' }));
    const { said } = await ask({ consent: false }).catch(() => ({ said: '' }));
    expect(said).toBe('');
    const told = await ask({}, '--without verify --dry-run');
    expect(told.said).toContain('starts every 2 min, runs 3 min 40 s → up to 2 at once');
    expect(told.out).toContain('Dry run: nothing was changed.');
  });

  test.each([
    ['No at the end', { consent: false }, 'declined'],
    [
      'a question interrupted',
      () => {
        throw new Error('interrupted here');
      },
      undefined,
    ],
  ] as const)('%s changes nothing', async (_, answers, code) => {
    three();
    const before = machine.picture();
    await expect(ask(answers as Answers)).rejects.toMatchObject(code === undefined ? {} : { code });
    expect(machine.picture()).toEqual(before);
  });

  test('nobody is chosen: nothing is done', async () => {
    three();
    const before = machine.picture();
    const done = await ask({ workers: [] });
    expect([done.exit, done.out]).toEqual([0, expect.stringContaining('Nothing was chosen.')]);
    expect(machine.picture()).toEqual(before);
  });

  test('the worst worker stands first, the latched one is known, and what cannot be latched says why', async () => {
    three();
    machine.put(spool, `${textOf(spool)}0 4 * * * /opt/none/php7.1 ${mails} again\n`, {
      ...own,
      mode: 0o600,
    });
    await ask({ workers: [mails.slice(home.length + 1)] });
    const { said } = await ask({ workers: [] });
    const at = (text: string): number => said.indexOf(text);
    expect(at('process_import_jobs.php')).toBeLessThan(at("it's odd"));
    expect(at("it's odd")).toBeLessThan(at('mails.php'));
    expect(said.slice(at('mails.php'))).toContain('✔ latched: a second one is kept out');
    expect(said.slice(at('mails.php again'))).toContain('– cannot be latched as it is: ');
  });

  test('one, some or all: each gets what was answered for it, in one deployment with one way back', async () => {
    three();
    machine.put('/opt/plesk/php/8.3/bin/php', 'ELF', { mode: 0o755 });
    const done = await ask({
      workers: ['httpdocs/scripts/process', 'httpdocs/scripts/mails', "httpdocs/it's odd"],
      interpreter: '/opt/plesk/php/8.3',
      once: 'Yes',
      log: ['Enter', 'Enter'],
      review: ['Yes', 'Yes', 'Change where the guard stands', 'Yes'],
      guard: 'In the entry',
    });
    expect(done.exit, done.out).toBe(0);
    const tab = textOf(spool);
    expect(tab).toContain('/opt/plesk/php/8.3/bin/php httpdocs/scripts/process_import_jobs.php --once');
    expect(tab).toMatch(/\/usr\/bin\/php \S*mails\.php --once >> \S+\/cronlatch\/mails\/output\.log/);
    expect(tab).toMatch(/\/usr\/bin\/php -d auto_prepend_file=\S+cronlatch-guard\.php .*r&d\.php/);
    expect(textOf(odd)).not.toContain('cronlatch');
    expect(textOf(mails)).toContain('cronlatch-guard.php');
    expect([...machine.live.keys()].filter((path) => /deployments\/.*jsonl$/.test(path)).length).toBe(1);
    expect(done.said).toContain('Worker 2 of 3: httpdocs/scripts/mails.php');
  });

  test('back leads from each question to the one before, and what was answered stays', async () => {
    three();
    const before = machine.picture();
    await expect(
      ask((name, nth) => {
        if (name === 'workers')
          return nth === 1
            ? ['httpdocs/scripts/process', 'httpdocs/scripts/mails']
            : ['httpdocs/scripts/mails'];
        if (name === 'once') return nth === 1 ? 'back' : 'Yes';
        if (name === 'review') return nth === 2 ? 'back' : 'Yes';
        if (name === 'keep') return nth === 1 ? 'back' : 'Enter';
        if (name === 'watch') return nth === 1 ? 'back' : 'Enter';
        if (name === 'consent') return nth === 1 ? 'back' : false;
        return 'Enter';
      }),
    ).rejects.toMatchObject({ code: 'declined' });
    expect(asked.map(nameOf)).toEqual([
      ...['workers', 'log', 'review'],
      // The second worker: back to the first's card, back to the list, and only the second is marked.
      ...['once', 'review', 'workers', 'once', 'log', 'review'],
      ...['keep', 'review', 'keep', 'watch', 'keep', 'watch', 'consent', 'watch', 'consent'],
    ]);
    expect(machine.picture()).toEqual(before);
  });

  test('a lock directory that cannot be is refused with the reason, and the card stays as it was', async () => {
    const done = await ask({
      review: ['Change where its lock lies', 'Yes'],
      lock: '/tmp/locks',
    });
    expect(done.exit).toBe(0);
    expect(done.said).toContain('[lock-in-tmp]');
    expect(textOf(script)).toContain(`${home}/cronlatch/process_import_jobs`);
  });

  test('what is refused leads back to the answers', async () => {
    three();
    const foreign = { uid: 0, gid: 0 };
    machine.put(mails, unclear, { ...foreign, mode: 0o644 });
    const done = await ask({
      workers: ['httpdocs/scripts/mails'],
      review: ['Change where the guard stands', 'Yes', 'Change where the guard stands', 'Yes'],
      guard: ['A line', 'In the entry'],
      refused: 'Back',
    });
    expect(done.exit).toBe(0);
    expect(done.out).toContain('Stopped by: script-owners-differ. Nothing was changed.');
    expect(textOf(spool)).toContain('auto_prepend_file');
  });
});

describe('what was answered can be done again without a question', () => {
  test.each([
    ['nothing but Enter', {}],
    [
      'another log',
      (name: string, nth: number) =>
        name === 'log' ? ['Another place', `${home}/logs of it/$x.log`][nth - 1] : undefined,
    ],
    ['the guard in the entry', { review: ['Change where the guard stands', 'Yes'], guard: 'In the entry' }],
    ['no --once', { review: ['Change whether', 'Yes'], once: 'No' }],
    ['another lock place', { review: ['Change where its lock lies', 'Yes'], lock: `${home}/a lock's place` }],
  ] as [string, Answers][])('%s: the printed command line makes the same plan', async (_, answers) => {
    const looked = await ask(answers, '--without verify --dry-run');
    const [words = [], ...others] = printed(looked.said);
    expect(others).toEqual([]);
    expect(words.slice(0, 5)).toEqual(['deploy', '--user', 'example-user', '--script', script]);
    const again = await inCi(words, ['--dry-run']);
    expect(planOf(again.json).id).toBe(planOf(looked.json).id);
    // And it is the plan that the wizard carries out.
    const done = await ask(answers);
    expect(planOf(done.json).id).toBe(planOf(again.json).id);
  });

  test('several workers: the printed lines, and the file, make of the server what the wizard makes', async () => {
    const answers = {
      workers: ['httpdocs/scripts/process', 'httpdocs/scripts/mails', "httpdocs/it's odd"],
      once: 'Yes',
      review: ['Yes', 'Yes', 'Change where the guard stands', 'Yes'],
      guard: 'In the entry',
    };
    const texts = (): string[] => [spool, script, mails, odd].map(textOf);
    three();
    const done = await ask(answers, '--without verify --answers /root/answers.json');
    const wanted = texts();
    const file = JSON.parse(textOf('/root/answers.json'));
    expect(machine.live.get('/root/answers.json')?.mode).toBe(0o600);

    machine = incident();
    three();
    expect(printed(done.said).length).toBe(4); // three workers, and what does the file's bidding
    for (const words of printed(done.said).filter((words) => !words.includes('--config')))
      expect((await inCi(words)).exit).toBe(0);
    expect(texts()).toEqual(wanted);

    machine = incident();
    three();
    const config = readAnswers('answers.json', file, flagNames());
    const told = await contextFor(memoryServer(machine), 'deploy --ci', { config });
    expect((await deploy(told.ctx)).exit, told.out()).toBe(0);
    expect(texts()).toEqual(wanted);
  });

  test('an entry of /etc/cron.d, and one that has a like in another crontab, are named so that no other is meant', async () => {
    const system = { uid: 0, gid: 0, mode: 0o644 };
    three();
    machine.put(
      '/etc/cron.d/app',
      `*/3 * * * * example-user /usr/bin/php ${home}/httpdocs/own.php\n`,
      system,
    );
    machine.put(`${home}/httpdocs/own.php`, '<?php\nwork();\n', { ...own, mode: 0o640 });
    machine.put('/etc/cron.d/twice', `*/3 * * * * example-user /usr/bin/php ${mails}\n`, system);
    const one = await ask({ workers: ['httpdocs/own.php'] }, '--without verify --dry-run');
    const [words = []] = printed(one.said);
    expect(words.slice(0, 3)).toEqual(['deploy', '--script', `${home}/httpdocs/own.php`]);
    expect(planOf((await inCi(words, ['--dry-run'])).json).id).toBe(planOf(one.json).id);

    const like = await ask(
      { workers: ['httpdocs/scripts/mails.php  (example-user, line 1'] },
      '--without verify --dry-run',
    );
    const [named = []] = printed(like.said);
    expect(named.slice(0, 5)).toEqual(['deploy', '--file', '/etc/cron.d/twice', '--script', mails]);
    expect(planOf((await inCi(named, ['--dry-run'])).json).id).toBe(planOf(like.json).id);
    // A config file has no key for that: nothing is offered that would mean another.
    const workers = ['httpdocs/scripts/mails.php  (example-user, line 1'];
    await expect(ask({ workers, consent: false })).rejects.toMatchObject({ code: 'declined' });
    expect(asked.map(nameOf)).toContain('consent');
    expect(asked.map(nameOf)).not.toContain('keep');
    const flag = '--without verify --answers /root/kept.json';
    await expect(
      ask({ workers: ['httpdocs/scripts/mails.php  (example-user, line 1'] }, flag),
    ).rejects.toMatchObject({
      code: 'usage',
    });
  });

  test('an ordinary user gets the same for his own crontab', async () => {
    const server = memoryServer(machine, { user: exampleUser });
    const told = await contextFor(server, '--without verify --dry-run', {
      terminal: true,
      answers: () => 'Enter',
    });
    const looked = await wizard(told.ctx);
    const [words = []] = printed(told.err());
    const again = await contextFor(server, '', { words: [...words, '--dry-run'] });
    expect(planOf((await deploy(again.ctx)).json).id).toBe(planOf(looked.json).id);
  });

  test('a file that is there already is not written over', async () => {
    machine.put('/root/answers.json', 'mine', { mode: 0o600 });
    const before = machine.picture();
    await expect(ask({}, '--without verify --answers /root/answers.json')).rejects.toMatchObject({
      code: 'usage',
    });
    expect(machine.picture()).toEqual(before);
  });

  test('answers of environment and config file stand in the printed line: CI has neither', async () => {
    const { said } = await ask({}, '--dry-run --grace 5s', {
      CRONLATCH_WITHOUT: 'verify',
      CRONLATCH_TICKS: '2',
    });
    const line = printed(said)[0]?.join(' ');
    expect(line).toContain('--grace 5s');
    expect(line).toContain('--without verify');
    expect(line).toContain('--ticks 2');
    expect(commandLine({ user: 'a' })).toBe('cronlatch deploy --user a --ci');
  });
});

describe('the table of questions (rule 10)', () => {
  const rows = Object.entries(questions).flatMap(([name, { flags }]) =>
    flags.map((flag) => [name, flag] as const),
  );
  test.each(rows)('%s has the flag --%s, a variable and a key of the config file', (_, flag) => {
    expect(wizardFlags().map(({ name }) => name)).toContain(flag);
    expect(envName(flag)).toMatch(/^CRONLATCH_[A-Z_]+$/);
    expect(() => readAnswers('c', { [flag]: 'x' }, flagNames())).not.toThrow();
  });

  /** A server where each question would be asked, and an answer given before. */
  const given: Readonly<
    Record<Exclude<QuestionName, 'refused' | 'task' | 'lock' | 'guard' | 'second'>, [string, string]>
  > = {
    workers: ['script', 'mails.php'],
    interpreter: ['interpreter', '/usr/bin/php'],
    once: ['once', 'no'],
    log: ['log', `${home}/out.log`],
    review: ['yes', '1'],
    keep: ['answers', '/root/kept.json'],
    watch: ['watch', 'no'],
    consent: ['yes', '1'],
  };
  const ground = (): void => {
    three();
    machine.put('/opt/plesk/php/8.3/bin/php', 'ELF', { mode: 0o755 });
  };
  const both = { workers: ['httpdocs/scripts/process', 'httpdocs/scripts/mails'] };

  test('unanswered, each of them is asked', async () => {
    ground();
    await ask(both);
    expect([...new Set(asked.map(nameOf))].sort()).toEqual(Object.keys(given).sort());
  });

  test.each(Object.entries(given))('%s is not asked where %j says it', async (name, [flag, value]) => {
    ground();
    await ask(both, '--without verify', { [envName(flag)]: value });
    expect(asked.map(nameOf)).not.toContain(name);
  });
});
