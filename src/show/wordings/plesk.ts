// The words of what is said about Plesk: rules, and findings that only a plan has.
import type { Said, Values, Wording } from './wording.ts';

const fields: Readonly<Record<string, string>> = { args: 'text of arguments', active: 'state' };

const drifts: Readonly<Record<string, (a: Values) => string>> = {
  'no-line': (a) =>
    `Plesk shows task ${a['task']} (${a['command']}) as active, and the crontab has no line for it: it does not run.`,
  'runs-though-off': (a) =>
    `Task ${a['task']} (${a['command']}) is switched off in Plesk, and cron runs this line all the same.`,
  schedule: (a) => `Plesk shows task ${a['task']} at "${a['panel']}", and cron runs it at "${a['crontab']}".`,
  command: (a) => `Plesk shows task ${a['task']} as: ${a['panel']}. The crontab runs something else.`,
  listed: (a) =>
    `Plesk’s scheduler lists task ${a['task']} with another ${fields[a['field'] ?? ''] ?? a['field']} (${a['list']}) than its table has (${a['panel']}).`,
  'not-listed': (a) =>
    `Plesk’s table has task ${a['task']} (${a['command']}) as active, and its scheduler does not list it.`,
  php: (a) =>
    `Plesk shows task ${a['task']} with PHP ${a['panel']}, and the crontab runs PHP ${a['crontab']}.`,
};

export const pleskWordings = {
  'task-drift': {
    title: 'Plesk shows another task than the crontab runs',
    say: (a) => ({
      what: drifts[a['how'] ?? '']?.(a) ?? `Task ${a['task']} and its line differ.`,
      fix: 'decide which is right, and save the task in Plesk: the next save there brings the panel’s back anyway',
    }),
  },
  'http-task': {
    title: 'A task of Plesk that fetches a URL',
    say: (a) => ({
      what: `Task ${a['id']} of Plesk fetches ${a['url']}: what it starts runs in the web server, where no entry can hold a lock.`,
      fix: 'in Plesk, make it a task of the kind "Run a PHP script"',
    }),
  },
} as const satisfies Record<string, Wording>;

const reasons: Readonly<Record<string, string>> = {
  asked: 'as you asked',
  closed: 'its program answers root alone',
  'no-verb': 'this Plesk has no command that changes a task',
  'no-task': 'Plesk knows no task of this line',
};

const choices: Readonly<Record<string, (a: Values) => string>> = {
  site: (a) => `the PHP that Plesk has ${a['site']} run with (${a['handler']})`,
  'same-version': (a) => `the version of ${a['wanted']}, which is not there`,
};

/** Where one pastes what. */
function paste(a: Values): string {
  return a['script'] === undefined
    ? 'in Plesk, make it a task of the kind "Run a PHP script"; deploy --print DIR writes the steps down'
    : `in Plesk, make it a task of the kind "Run a PHP script", with the script ${a['script']}${a['args'] ? ` and the arguments ${a['args']}` : ''}`;
}

export const pleskPlanWordings: Readonly<Record<string, (a: Values) => Said>> = {
  'interpreter-chosen': (a) => ({
    what: `It runs with ${a['path']}: ${choices[a['is'] ?? '']?.(a) ?? a['is']}.`,
    fix: 'another one with --interpreter',
  }),
  'interpreter-ran': (a) => ({
    what: `${a['path']} was run as ${a['user']}: ${a['version']} (${a['sapi']})${a['lacks'] ? `, without ${a['lacks']}` : ', with all that a worker may want'}.`,
  }),
  'interpreter-unfit': (a) => ({
    what: `${a['path']} cannot be used: as ${a['user']} it ${a['why']}.`,
    fix: 'name another one with --interpreter',
  }),
  'plesk-unanswered': (a) => ({
    what: `Plesk gave no answer that can be used (${a['asked']}: ${a['said']}): what it knows of this line is not to be trusted then.`,
    fix: 'try again when the panel answers, or change the crontab alone: --through crontab',
  }),
  'verb-unknown': (a) => ({
    what: `Whether this Plesk has a command that changes a task could not be told (${a['asked']}: ${a['said']}).`,
    fix: 'try again when the panel answers, or change the crontab alone: --through crontab',
  }),
  'no-task': () => ({
    what: '--through scheduler was given, and Plesk knows no task of this line.',
    fix: 'leave it away: the line is changed in the crontab',
  }),
  'no-verb': () => ({
    what: '--through scheduler was given, and this Plesk has no command that changes a task.',
    fix: '--through crontab, or by hand in the panel: deploy --print DIR',
  }),
  'task-drifted': (a) => ({
    what: `Task ${a['id']} of Plesk and its line say different things (${a['how']}): whichever is changed, the other is lost.`,
    fix: 'decide which is right and save the task in Plesk, or change the crontab alone: --through crontab',
  }),
  'task-in-panel': (a) => ({
    what: `The line is changed in the crontab alone (${reasons[a['because'] ?? ''] ?? a['because']}). ${a['id'] === '0' ? 'If it is a task of Plesk' : `It is task ${a['id']} of Plesk`}: the next save in the panel may bring the old line back${a['guard'] ? ', without the guard' : ''}.`,
    fix:
      a['script'] === undefined
        ? `enter the same there, Scheduled Tasks, as the command: ${a['command']}`
        : `enter the same there, Scheduled Tasks: the script ${a['script']}${a['args'] ? `, with the arguments ${a['args']}` : ''}`,
  }),
  'chrooted-task': (a) => ({
    what: `The command runs in Plesk’s chroot, where neither PHP nor a path of the host exists, and the task cannot be changed here (${reasons[a['why'] ?? ''] ?? a['why']}).`,
    fix: paste(a),
  }),
  'task-becomes-php': (a) => ({
    what: `Task ${a['id']} becomes one of the kind "Run a PHP script"${a['chroot'] ? ': its shell is a chroot without PHP' : ''}. It starts in the user’s home.`,
  }),
  'php-task-log': (a) => ({
    what: `Task ${a['id']} runs a PHP script without a shell: what it prints goes where Plesk sends it, not to a log.`,
    fix: 'have the worker write a log of its own',
  }),
  'php-task-guard': (a) => ({
    what: `Task ${a['id']} runs a PHP script without a shell: there is no place for a guard in it, only in the script.`,
    fix: '--guard script, or make it a task that runs a command, in the panel',
  }),
  'no-php-task': (a) => ({
    what: `Task ${a['id']} (${a['command']}) does more than run one PHP script: as a task of that kind it would be another.`,
    fix: 'put what it does besides into the script, then make it such a task in the panel',
  }),
  'php-version-unknown': (a) => ({
    what: `Task ${a['id']} would have to run a PHP script, and Plesk does not say the full version of the site’s PHP.`,
    fix: 'make it such a task in the panel: deploy --print DIR writes the steps down',
  }),
  'php-to-exec': (a) => ({
    what: `Task ${a['id']} runs a PHP script: it is not made one that runs a command, since its shell may be another world.`,
    fix: 'leave --task-type away',
  }),
  'task-too-long': (a) => ({
    what: `The new command of task ${a['id']} has ${a['length']} characters, and Plesk’s scheduler takes no more than about ${a['most']}.`,
    fix: 'shorten the paths, or change the crontab alone: --through crontab',
  }),
  'task-secret': (a) => ({
    what: `The command of task ${a['id']} holds a password or a key, and Plesk’s scheduler takes it as an argument, which every user of the server could read for a moment.`,
    fix: 'put the secret into a file of the site, or change the crontab alone: --through crontab',
  }),
  'task-gone': (a) => ({
    what: `Task ${a['id']} of Plesk is gone.`,
    fix: 'what it was is in the journal: cronlatch history ID',
  }),
  'task-edited': (a) => ({
    what: `Task ${a['id']} of Plesk was edited by somebody since: ${a['command']}`,
    fix: 'change it by hand in the panel',
  }),
  'form-of-task': (a) => ({
    what: `Task ${a['id']} belongs to Plesk, which has no task that starts at boot: in the long-running form its lines would be gone with the next save there.`,
    fix: 'to switch it off: rollback --to disabled; or roll back to before, and run the worker as a service',
  }),
  'task-off': (a) => ({
    what: `Task ${a['id']} of Plesk is switched off, and its crontab was changed since: where its line goes cannot be told.`,
    fix: 'switch it on in the panel, then roll back again',
  }),
  'task-on-again': (a) => ({
    what: `Task ${a['id']} of Plesk runs, although it was to be switched off already.`,
    fix: 'switch it off in the panel, or roll back to before first: cronlatch rollback',
  }),
};
