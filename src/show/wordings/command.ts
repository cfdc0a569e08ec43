// The words of findings about the shell text of an entry.
import type { RuleCode } from '../../survey/rules/levels.ts';
import type { Said, Values, Wording } from './wording.ts';

/** What dash does with each piece of bash's own syntax: measured with the dash of Debian 12. */
const inDash: Readonly<Record<string, readonly [what: string, fix: string]>> = {
  'both-to-file': [
    '&> is bash’s. dash starts the command in the background, its output not redirected, and empties the file.',
    'write > FILE 2>&1',
  ],
  'both-to-descriptor-or-file': [
    '>& with a file is bash’s. dash says "Bad fd number" and runs nothing of the line.',
    'write > FILE 2>&1',
  ],
  'pipe-both': ['|& is bash’s. dash says "Syntax error" and runs nothing of the line.', 'write 2>&1 |'],
  test: ['[[ is bash’s. dash says "[[: not found", and the test fails.', 'write [ … ]'],
  arithmetic: [
    '(( )) is bash’s. dash takes the inside for a command, which it does not find.',
    'write [ … ] with $(( ))',
  ],
  'process-substitution': [
    '<( ) and >( ) are bash’s. dash says "Syntax error" and runs nothing of the line.',
    'use a pipe or a temporary file',
  ],
  'here-string': [
    '<<< is bash’s. dash says "Syntax error" and runs nothing of the line.',
    "write printf '%s\\n' TEXT | in front of the command",
  ],
  'dollar-quote': ["$'…' is bash’s. dash leaves the $ and the backslashes as they are.", 'use printf'],
  substitution: [
    'This substitution is bash’s. dash says "Bad substitution" and stops.',
    'use sed or cut, or SHELL=/bin/bash',
  ],
  array: ['Arrays are bash’s. dash says "Syntax error" and runs nothing of the line.', 'use plain variables'],
  append: ['+= is bash’s. dash looks for a command of that name.', 'write A=$A…'],
  function: [
    'The word function is bash’s. dash says "Syntax error" and runs nothing of the line.',
    'write NAME() { … }',
  ],
  select: ['select is bash’s. dash says "Syntax error" and runs nothing of the line.', 'leave it out'],
  'arithmetic-for': [
    'for (( )) is bash’s. dash says "Syntax error" and runs nothing of the line.',
    'write for i in 1 2 3',
  ],
  braces: ['{a,b} is bash’s. dash hands it on as one word.', 'write the words out'],
  'double-equals': ['== in [ ] is bash’s. dash says "unexpected operator", and the test fails.', 'write ='],
  'echo-e': ['dash’s echo prints -e as a word.', 'use printf'],
  pipefail: ['dash says "Illegal option -o pipefail" and stops.', 'leave it out, or SHELL=/bin/bash'],
  'export-f': ['dash says "Illegal option -f" and stops.', 'put the function into a script'],
};

function inSh(a: Values): Said {
  if (a['form'] === 'command')
    return {
      what: `${a['command']} is bash’s: dash says "${a['command']}: not found" (exit code 127).`,
      fix: a['command'] === 'source' ? 'write . instead' : 'set SHELL=/bin/bash above the entry',
    };
  const [what, fix] = inDash[a['form'] ?? ''] ?? ['This is bash’s own syntax, but dash reads the line.', ''];
  return { what, fix: fix === '' ? 'set SHELL=/bin/bash above the entry' : fix };
}

const opaque: Readonly<Record<string, string>> = {
  empty: 'there is no command',
  'syntax-error': 'the shell would not understand it',
  'inline-code': 'the code stands in the entry itself',
  'framework-binary': 'a package manager starts it',
  'several-commands': 'it runs several commands',
  pipe: 'its output goes through a pipe',
  subshell: 'it runs in a subshell',
  'nested-shell': 'a shell inside the shell runs it',
  compound: 'it is a shell program of its own',
  'user-switch': 'it changes to another user in a way that is not followed',
  'unknown-user': 'it changes to a user who does not exist here',
  'no-login': 'the user it changes to has no login shell, so su refuses',
  'lock-wrapper': 'it has a lock already',
  'pgrep-guard': 'it looks for itself with pgrep',
  container: 'it runs in a container',
  'unknown-wrapper': 'it is started by a program we do not know',
  'undefined-variable': 'it uses a variable that cron does not set',
  expansion: 'the shell works out a word that matters',
  'bash-syntax': 'it is written for bash, but /bin/sh runs it',
  redirect: 'it has a redirect that cannot be kept',
  'home-unknown': 'its home directory is not known here',
  'not-utf8': 'a path in it is not valid UTF-8',
};

const program: Readonly<Record<string, (name: string) => Said>> = {
  'not-on-path': (name) => ({
    what: `There is no program ${name} on cron’s PATH.`,
    fix: 'write its full path, or set PATH above the entry',
  }),
  absent: (name) => ({ what: `There is no file ${name}.`, fix: 'correct the path' }),
  directory: (name) => ({
    what: `${name} is a directory, not a program: the shell stops there.`,
    fix: `write cd ${name} && …`,
  }),
  'not-executable': (name) => ({
    what: `${name} may not be executed by this user.`,
    fix: `chmod +x ${name}, or name its interpreter in front of it`,
  }),
};

export const commandWordings = {
  'unknown-user': {
    title: 'The user of the entry does not exist',
    say: (a) => ({
      what:
        a['dialect'] === 'debian'
          ? `There is no user '${a['user']}' on this machine: Debian’s cron ignores the whole file for it.`
          : `There is no user '${a['user']}' on this machine.`,
      fix: 'name a user that exists',
    }),
  },
  'chrooted-shell': {
    title: 'The command runs in a chroot',
    say: (a) => ({
      what:
        a['by'] === 'login'
          ? `The user’s login shell is Plesk’s chroot (${a['shell']}): the same command made as a task in Plesk sees no paths of the host.`
          : `SHELL is Plesk’s chroot (${a['shell']}): neither the host’s paths nor its PHP exist for the command.`,
      fix: 'in Plesk, make it a task of the kind "Run a PHP script"',
    }),
  },
  'shell-syntax': {
    title: 'No shell can read the command',
    say: (a) => ({
      what: `The shell cannot read this command${a['cut'] ? ', which cron has cut at the %' : ''}: nothing of it runs.`,
      fix: 'look for a quote or bracket that is not closed',
    }),
  },
  'bash-in-sh': { title: 'bash’s own syntax, read by dash', say: inSh },
  'undefined-variable': {
    title: 'A variable that is not set in cron’s environment',
    say: (a) => ({
      what:
        a['name'] === 'HTTPD_VHOSTS_D'
          ? '$HTTPD_VHOSTS_D is not set in cron’s environment (it is a key of /etc/psa/psa.conf): the path begins at / and nothing reaches the log.'
          : `$${a['name']} is not set in cron’s environment: nothing stands there when the command runs.`,
      fix:
        a['name'] === 'HTTPD_VHOSTS_D'
          ? 'write the directory itself'
          : `write the value itself, or ${a['name']}=… above the entry`,
    }),
  },
  'cd-semicolon': {
    title: 'The command runs even when the cd fails',
    say: (a) => ({
      what: `'cd ${a['directory']};' goes on in the wrong directory when the cd fails.`,
      fix: 'use && instead of ;',
    }),
  },
  'cd-behind-wrapper': {
    title: 'cd cannot be started by another program',
    say: (a) => ({
      what: `${a['wrapper']} cannot start cd, which is part of the shell and no program: it fails, and what follows && never runs.`,
      fix: `put cd first: cd DIR && ${a['wrapper']} …`,
    }),
  },
  'redirect-order': {
    title: 'Errors are redirected before the output is',
    say: (a) => ({
      what: `2>&1 stands in front of ${a['operator']} ${a['file']}: errors go where the output went before, into cron’s mail.`,
      fix: `write ${a['operator']} ${a['file']} 2>&1`,
    }),
  },
  'pgrep-matches-itself': {
    title: 'pgrep finds the shell that cron started',
    say: (a) => ({
      what: `pgrep -f ${a['pattern']} always finds something: the shell cron started has these words on its own command line.`,
      fix: `let a lock do it (flock -n FILE COMMAND, or cronlatch deploy)${a['better'] ? `; or write pgrep -f '${a['better']}'` : ''}`,
    }),
  },
  'url-ampersand': {
    title: 'An & in an address without quotes',
    say: () => ({
      what: 'The shell ends the command at this &, starts it in the background, and takes the rest of the address for another command.',
      fix: 'put the address in quotes',
    }),
  },
  'secret-in-command': {
    title: 'A password or token in the command',
    say: () => ({
      what: 'A secret stands in the command: everybody on the machine can read it in the list of processes while it runs.',
      fix: 'keep it in a file that only the job’s user may read, and let the script read that',
    }),
  },
  'program-missing': {
    title: 'The command’s program is not there',
    say: (a) => program[a['is'] ?? '']?.(a['name'] ?? '') ?? { what: `${a['name']} cannot be started.` },
  },
  'endless-worker': {
    title: 'A worker that never ends, started again and again',
    say: (a) => ({
      what: a['locked']
        ? `${a['word']} never ends by itself: behind its lock one runs for ever, with the code it was started with.`
        : `${a['word']} never ends by itself, and each tick starts one more.`,
      fix: a['fix'] ? `let it end: ${a['fix']}` : 'run it under a process manager (systemd, supervisor)',
    }),
  },
  'no-worker': {
    title: 'The entry starts no PHP or Node script',
    say: () => ({ what: 'Starts no PHP or Node script.' }),
  },
  opaque: {
    title: 'The entry cannot be rewritten by cronlatch',
    say: (a) => ({
      what: `Left alone: ${opaque[a['why'] ?? ''] ?? 'it is written in a way we do not follow'}${a['detail'] ? ` (${a['detail']})` : ''}.`,
    }),
  },
} as const satisfies Partial<Record<RuleCode, Wording>>;
