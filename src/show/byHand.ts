// The steps for the panel, numbered, with the texts to paste: for whoever may not change the server from a shell.
import type { ByHand, CannotPrint } from '../plan/byHand.ts';

/** The steps for one worker. `directory` is where the files to upload were put. */
export function byHandLines(steps: ByHand, directory: string): string[] {
  const { php, exec, uploads, now } = steps;
  const numbered: string[][] = [
    [
      `In the File Manager make the directory ${steps.directory}, with the permissions 700 (rwx------).`,
      'The lock lies there: it must not be below a document root, nor be writable by others.',
    ],
    [`Download ${steps.script} and keep it: it is the way back.`],
    ...uploads.map((upload) => [`Upload ${directory}/${upload.name} to ${upload.to}.`]),
    ['Open Scheduled Tasks of the subscription, and there the task that now says:', `    ${now}`],
  ];
  const asPhp =
    php === undefined
      ? []
      : [
          'Set the task type to "Run a PHP script", and enter:',
          `    Script path:     ${php.script}`,
          `    with arguments:  ${php.args === '' ? '(none)' : php.args}`,
          'Choose the PHP version that the site uses. This kind needs no shell: as far as is known it runs where commands are chrooted or forbidden, too.',
        ];
  const asCommand =
    exec === undefined
      ? []
      : ['Leave the task type at "Run a command", and enter as the command:', `    ${exec}`];
  if (asPhp.length > 0 && asCommand.length > 0)
    numbered.push([
      ...asCommand,
      'Or, where the command is not found when it runs:',
      ...asPhp.map((line) => `  ${line}`),
    ]);
  else numbered.push([...asPhp, ...asCommand]);
  numbered.push(
    ['Leave the schedule as it is, save, and press "Run Now" once: it must end without an error.'],
    [`Look into ${steps.directory}: a file that ends in .lock is there now.`],
    [
      'The way back: enter the old command again (it is in step ' +
        `${numbered.length - 1}), upload the script that you kept, and delete ${uploads[0]?.to}.`,
    ],
  );
  return numbered.flatMap(([first = '', ...more], i) => [
    `${String(i + 1).padStart(2)}. ${first}`,
    ...more.map((line) => `    ${line}`),
  ]);
}

const missing: Readonly<Record<CannotPrint, string>> = {
  'no-script': 'its script is not here to get the guard: name a copy of it with --worker FILE',
  'no-directory':
    'where the lock is to lie cannot be told from here: name a directory of the server with --lock-dir DIR',
  'guard-refused': 'its script cannot take the guard (deploy --dry-run says why)',
  guarded: 'it has its guard already',
};

/** Why there are no steps for a worker. */
export function sayCannotPrint(line: number, why: CannotPrint): string {
  return `Line ${line}: no steps, ${missing[why]}.`;
}
