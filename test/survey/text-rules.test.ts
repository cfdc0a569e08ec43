// Rules about the shell text: what they find in lines people really wrote, what they leave alone, and that what they
// say of dash and pgrep is what dash and pgrep do.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { incident } from '../support/site.ts';

type Found = { code: string; where?: { column?: number; endColumn?: number }; args: Record<string, unknown> };
interface Entry {
  line: number;
  command: string;
  findings: Found[];
}

/** Entries of a crontab kept as a file, with what is found in their text. */
async function entriesOf(text: string, more = ''): Promise<Entry[]> {
  const machine = incident();
  machine.put('/root/tab', text);
  const { ctx } = await contextFor(memoryServer(machine), `scan --file tab --json${more}`);
  const { crontabs } = (await scan(ctx)).json as { crontabs: { entries: Entry[] }[] };
  return crontabs[0]?.entries ?? [];
}
const codesOf = async (command: string, head = '', more = ''): Promise<string[]> =>
  ((await entriesOf(`${head}* * * * * ${command}\n`, more))[0]?.findings ?? []).map(({ code }) => code);

const about = new Set(
  `bash-in-sh undefined-variable cd-semicolon cd-behind-wrapper redirect-order pgrep-matches-itself url-ampersand
  secret-in-command endless-worker never-ends shell-syntax`.split(/\s+/),
);

describe('the 103 collected worker lines', () => {
  test('have these faults in their text, at these lines, and no others', async () => {
    const path = resolve(import.meta.dirname, '../corpus/worker-lines.tsv');
    const lines = readFileSync(path, 'latin1').split('\n').slice(1, -1);
    // A line each, the one of another scheduler left empty: its first field is refused.
    const text = lines
      .map((line) => line.slice(line.indexOf('\t') + 1).replace(/^&bootrun.*/, ''))
      .join('\n');
    const found = (await entriesOf(`${text}\n`, ' --dialect debian')).flatMap(({ line, findings }) =>
      findings.filter(({ code }) => about.has(code)).map(({ code }) => `w${line + 1} ${code}`),
    );
    expect(found).toEqual([
      'w32 pgrep-matches-itself',
      'w33 pgrep-matches-itself',
      'w34 pgrep-matches-itself',
      'w35 pgrep-matches-itself',
      'w36 pgrep-matches-itself',
      'w39 undefined-variable',
      'w42 secret-in-command',
      'w43 cd-behind-wrapper',
      'w47 bash-in-sh',
      'w52 bash-in-sh',
      'w76 secret-in-command',
      'w79 cd-semicolon',
      'w79 never-ends',
      'w80 cd-semicolon',
      'w82 bash-in-sh',
      'w83 cd-semicolon',
      'w86 bash-in-sh',
      'w90 bash-in-sh',
      'w95 secret-in-command',
      'w98 redirect-order',
      'w103 endless-worker',
    ]);
  });
});

describe('nothing is said of', () => {
  test.each([
    ['a variable the text sets itself', 'A=/srv; cd "$A" && x'],
    ['a variable with a default', 'cd "${A:-/srv}" && x'],
    ['a variable of a file that is read in', '. /srv/env && cd "$A" && x'],
    ['a variable in single quotes', "awk '{print $NF, $A}' f"],
    ['a loop’s own variable', 'for f in a b; do echo "$f"; done'],
    ['a variable that is read', 'ls | while read -r f; do echo "$f"; done'],
    ['what the shell sets', 'echo $$ $? $# $0 $1 $HOME $LOGNAME $PATH $SHELL $PWD $LANG $LC_ALL'],
    ['bash’s syntax in quotes', 'echo \'[[ x ]] && source y <(z) &> f\' "a |& b"'],
    ['two files and an order that is right', 'x > f 2>&1'],
    ['errors into the pipe', 'x 2>&1 > f | grep y'],
    ['errors into a file of their own', 'x 2>&1 > f 2> g'],
    ['an address in quotes', "curl 'https://a.example/?b=1&c=2'"],
    ['an address and a background job', 'curl https://a.example/?b=1 & sleep 1'],
    ['pgrep with a pattern that fits the whole', 'pgrep -fx "php /srv/w.php" || x'],
    ['pgrep by the name of the program', 'pgrep worker || x'],
    ['a limit for a queue worker', 'php artisan queue:work --max-time=55 --tries=3'],
    ['cd as a word', 'nice -n 10 eject cd && x'],
    ['cd that is looked after', 'cd /srv || exit 1; x'],
    ['braces of find', 'find /tmp -exec rm {} \\;'],
    ['echo -n', 'echo -n x'],
    ['numbers of descriptors', 'x >&2 2>&1 3>&1'],
  ])('%s: %s', async (_, command) => {
    expect((await codesOf(command)).filter((code) => about.has(code))).toEqual([]);
  });

  test('bash’s syntax where bash reads it, be it by SHELL or as cronie’s sh', async () => {
    const command = '[[ -e f ]] && source g; x &> h';
    expect(await codesOf(command)).toContain('bash-in-sh');
    expect(await codesOf(command, 'SHELL=/bin/bash\n')).not.toContain('bash-in-sh');
    expect(await codesOf(command, '', ' --dialect cronie')).not.toContain('bash-in-sh');
  });
});

const hasDash = spawnSync('dash', ['-c', ':']).status === 0;
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-dash-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What dash does with a text: exit code, what it prints, and the size of the file f. */
function inDash(text: string): { code: number | null; said: string; file: number | 'absent' } {
  rmSync(join(scratch, 'f'), { force: true });
  const ran = spawnSync('dash', ['-c', text], {
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  const stat = statSync(join(scratch, 'f'), { throwIfNoEntry: false });
  return { code: ran.status, said: ran.stdout + ran.stderr, file: stat?.size ?? 'absent' };
}

/** Each form, a text that has it, and what dash says to it: the words of show/wordings rest on this. */
const forms: readonly (readonly [form: string, text: string, code: number, said: RegExp])[] = [
  ['both-to-file', 'echo hi &> f', 0, /^hi$/],
  ['both-to-descriptor-or-file', 'echo hi >& f', 2, /Bad fd number/],
  ['pipe-both', 'echo hi |& cat', 2, /Syntax error/],
  ['test', '[[ a = a ]] && echo yes', 127, /\[\[: not found/],
  ['arithmetic', '(( 1 )) && echo yes', 127, /not found/],
  ['process-substitution', 'cat <(echo a)', 2, /Syntax error/],
  ['here-string', 'cat <<< hi', 2, /Syntax error/],
  ['dollar-quote', "printf %s $'a\\tb'", 0, /^\$a\\tb$/],
  ['substitution', 'x=abc; echo ${x:0:2}', 2, /Bad substitution/],
  ['array', 'a=(1 2); echo ok', 2, /Syntax error/],
  ['append', 'a+=1; echo "<$a>"', 0, /a\+=1: not found\n?/],
  ['function', 'function f { echo x; }; f', 2, /Syntax error/],
  ['select', 'select x in a; do :; done', 2, /Syntax error/],
  ['arithmetic-for', 'for ((i=0;i<1;i++)); do :; done', 2, /Syntax error/],
  ['braces', 'echo {a,b}', 0, /^\{a,b\}$/],
  ['double-equals', '[ a == a ] && echo yes', 2, /unexpected operator/],
  ['echo-e', 'echo -e x', 0, /^-e x$/],
  ['pipefail', 'set -o pipefail; echo y', 2, /Illegal option -o pipefail/],
  ['export-f', 'export -f x', 2, /Illegal option -f/],
  ['command', 'source /dev/null', 127, /source: not found/],
  ['command', 'pushd /', 127, /pushd: not found/],
];

describe.skipIf(!hasDash)('dash', () => {
  test.each(forms)('does with %s what is said: %s', async (form, text, code, said) => {
    const did = inDash(text);
    expect(did.code).toBe(code);
    expect(did.said.trim()).toMatch(said);
    const [entry] = await entriesOf(`* * * * * ${text.replaceAll('%', '\\%')}\n`);
    const found = entry?.findings.filter((f) => f.code === 'bash-in-sh').map((f) => f.args['form']);
    expect(found).toContain(form);
  });

  test('empties the file of &> and prints beside it; && is not reached by what failed', () => {
    expect(inDash('echo hi &> f')).toMatchObject({ file: 0, said: 'hi\n' });
    expect(inDash('echo hi >& f').file).toBe('absent');
  });

  test.each(['source', 'let', 'pushd', 'popd', 'declare', 'typeset', 'shopt', 'disown'])(
    'knows no %s',
    (name) => {
      expect(inDash(`${name} x`)).toMatchObject({ code: 127 });
    },
  );

  test('cannot start cd by another program, and runs nothing behind it', () => {
    expect(inDash('nice -n 1 cd / && echo reached').said).not.toContain('reached');
  });

  test('sends errors where the output went when the copy was made', () => {
    expect(inDash('(echo out; echo err >&2) 2>&1 > f')).toMatchObject({ said: 'err\n', file: 4 });
    expect(inDash('(echo out; echo err >&2) > f 2>&1')).toMatchObject({ said: '', file: 8 });
  });

  test('runs no command whose output has no directory to go to', () => {
    expect(inDash('echo ran > no-such/log; echo next').said).toMatch(/^next\n.*cannot create no-such/);
  });
});

const hasPgrep = spawnSync('pgrep', ['-V']).status === 0;
describe.skipIf(!hasDash || !hasPgrep)('pgrep', () => {
  // The pattern is put together here, so that no other process has it on its command line.
  const name = `cl${process.pid}worker`;
  test.each([
    ['finds the shell that cron started', `pgrep -f ${name} > /dev/null || echo started`, true],
    ['in brackets does not', `pgrep -f '[c]l${process.pid}worker' > /dev/null || echo started`, false],
    [
      'in brackets does, when the word stands elsewhere on the line',
      `pgrep -f '[c]l${process.pid}worker' > /dev/null || echo started ${name}`,
      true,
    ],
    ['for the whole command line does not', `pgrep -fx ${name} > /dev/null || echo started`, false],
  ])('%s', async (_, text, itself) => {
    const ran = spawnSync('dash', ['-c', text], { encoding: 'utf8' });
    expect(ran.stdout.includes('started')).toBe(!itself);
    expect((await codesOf(text)).includes('pgrep-matches-itself')).toBe(itself);
  });
});

test('a line of what looks like the beginning of a fault, as long as cron takes it, is read in a moment', async () => {
  const parts = ['cd ', '2>&1 ', '://a&', '${a', 'nice cd ', '$', '{a', 'pgrep -f ', '--daemon ', '[[', 'x;'];
  for (const part of parts) {
    const entries = await entriesOf(
      `* * * * * x ${part.repeat(60_000 / part.length)}\n`,
      ' --dialect cronie',
    );
    expect(entries).toHaveLength(1);
  }
}, 60_000);
