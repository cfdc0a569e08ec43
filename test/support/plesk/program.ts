// The stand-in as a program: `plesk` and, by its other name, `crontabmng`. Its state is a file; the crontabs are the spool's.
import {
  appendFileSync,
  chmodSync,
  chownSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { answer, type PanelState } from './panel.ts';

declare const __STATE__: string;

const spool = (user: string): string => `/var/spool/cron/crontabs/${user}`;

function readSpool(user: string): string | undefined {
  try {
    return readFileSync(spool(user), 'utf8');
  } catch {
    return undefined;
  }
}

function writeSpool(user: string, text: string): void {
  const row = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === user);
  const group = Number(/^crontab:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1] ?? 0);
  const temporary = spool(`tmp.plesk.${process.pid}`);
  writeFileSync(temporary, text);
  chmodSync(temporary, 0o600);
  chownSync(temporary, Number(row?.[2]), group);
  renameSync(temporary, spool(user));
}

const [, called = '', ...words] = process.argv;
if (basename(called) === 'crontabmng') {
  const [verb, user = '', file = ''] = words;
  if (verb === 'get') process.stdout.write(readSpool(user) ?? '');
  else if (verb === 'set') writeSpool(user, readFileSync(file, 'utf8'));
  else if (verb === 'remove') rmSync(spool(user), { force: true });
  else process.exitCode = 1;
} else {
  const state = JSON.parse(readFileSync(__STATE__, 'utf8')) as PanelState;
  const before = JSON.stringify(state);
  state.crontabs = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, user) => readSpool(String(user)),
      set: (_, user, text) => {
        writeSpool(String(user), text);
        return true;
      },
    },
  );
  const said = answer(state, words);
  appendFileSync(`${__STATE__}.calls`, `${JSON.stringify(words)}\n`);
  if (said.code === 'timeout') setTimeout(() => {}, 600_000);
  else {
    const after = JSON.stringify({ ...state, crontabs: {}, calls: [] });
    if (after !== before) {
      writeFileSync(`${__STATE__}.new`, after);
      renameSync(`${__STATE__}.new`, __STATE__);
    }
    process.stdout.write(said.stdout);
    process.stderr.write(said.stderr);
    process.exitCode = said.code;
  }
}
