// The words of findings about a crontab's settings, and about the file it is.
import type { RuleCode } from '../../survey/rules/levels.ts';
import type { Wording } from './wording.ts';

const noSetting: Readonly<Record<string, string>> = {
  export: 'cron knows no export',
  'empty-value': 'Debian 12 wants a value: write ""',
  'open-quote': 'a quote is not closed',
  'after-quote': 'something stands behind the closing quote',
  'quoted-equals': 'the = stands inside the quotes',
  'no-equals': 'there is no =',
};

export const fileWordings = {
  'bad-setting': {
    title: 'Looks like a setting, but is none to cron',
    say: (a) => ({
      what: `This looks like a setting, but cron reads it as an entry and refuses it: ${noSetting[a['why'] ?? ''] ?? 'it is not NAME=value'}.`,
      fix: 'write NAME=value',
    }),
  },
  'setting-cut': {
    title: 'The setting is longer than cron reads',
    say: (a) => ({
      what: `cron reads ${a['limit']} bytes of a setting and drops the rest without a word.`,
      fix: 'set the variable in a script that the entry starts',
    }),
  },
  'odd-setting-name': {
    title: 'A setting whose name is no variable’s',
    say: (a) => ({
      what: `'${a['name']}' is no name of a variable: cron takes the line for a setting, and nobody can use it.`,
      fix: 'an entry needs a blank behind each field; a setting a name of letters, digits and _',
    }),
  },
  'dollar-in-value': {
    title: 'cron expands no variables in settings',
    say: (a) => ({
      what: `cron expands nothing in a setting: ${a['name']} gets the $ as it stands.`,
      fix: 'write the value out',
    }),
  },
  'comment-in-value': {
    title: 'A comment became part of a setting’s value',
    say: (a) => ({
      what: `cron knows no comment behind a setting: the # and all that follows are part of ${a['name']}.`,
      fix: 'put the comment on a line of its own',
    }),
  },
  'inert-setting': {
    title: 'A setting that this cron does not act on',
    say: (a) => ({
      what:
        a['name'] === 'CRON_TZ'
          ? 'Debian’s cron does not know CRON_TZ: the times stay those of the server. The command merely sees the variable.'
          : `cron sets ${a['name']} itself: this line changes nothing.`,
      fix: a['name'] === 'CRON_TZ' ? 'write the times in the server’s zone' : 'remove it',
    }),
  },
  'unsafe-mail': {
    title: 'An address that Debian’s cron does not mail to',
    say: (a) => ({
      what: `${a['name']} has signs that Debian’s cron does not take in an address: Debian 12 mails to nobody, 13 refuses the crontab.`,
      fix: 'write the bare address, without quotes, names, blanks or comments',
    }),
  },
  'secret-in-setting': {
    title: 'A password or token in a setting',
    say: (a) => ({
      what: `${a['name']} holds a secret: whoever may read this crontab, or a copy of it, has it.`,
      fix: 'keep it in a file that only the job’s user may read, and let the script read that',
    }),
  },
  'cron-d-name': {
    title: 'cron does not read a file of this name in /etc/cron.d',
    say: (a) => ({
      what: `cron does not read ${a['path']}: its name has a character that /etc/cron.d does not allow.`,
      fix: a['dialect'] === 'cronie' ? 'rename it' : 'rename it: letters, digits, _ and - only',
    }),
  },
  'cron-d-backup': {
    title: 'What looks like a copy in /etc/cron.d is run too',
    say: (a) => ({
      what: `${a['path']} looks like a copy somebody put aside, but cronie runs its entries too.`,
      fix: 'keep copies outside of /etc/cron.d',
    }),
  },
  'file-mode': {
    title: 'cron passes over a crontab of this mode',
    say: (a) => ({
      what: `The file has mode ${a['mode']}: cron passes over it and none of its entries run.`,
      fix: `chmod ${a['wanted']}`,
    }),
  },
  'file-owner': {
    title: 'cron passes over a crontab of this owner',
    say: (a) => ({
      what: `The file belongs to uid ${a['uid']}, not to ${a['wanted']}: cron passes over it and none of its entries run.`,
      fix: `chown ${a['wanted']}`,
    }),
  },
  'file-links': {
    title: 'cron passes over a crontab with a second name',
    say: (a) => ({
      what: `The file has ${a['links']} names (hard links, as some backups make them): cron passes over it and none of its entries run.`,
      fix: 'make it one of its own: cp -p FILE FILE.new && mv FILE.new FILE',
    }),
  },
} as const satisfies Partial<Record<RuleCode, Wording>>;
