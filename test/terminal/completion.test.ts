// Completion as the three shells do it themselves, where they are installed: the script is sourced and a key is pressed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { completionFor } from '../../src/show/completion.ts';
import { plainEnv, run, scratch } from './harness.ts';

const has = (shell: string): boolean => spawnSync(shell, ['-c', ':']).status === 0;
const directory = scratch();
const shells = ['bash', 'zsh', 'fish'] as const;
for (const shell of shells) writeFileSync(join(directory, shell), completionFor(shell));
mkdirSync(join(directory, 'functions'));
writeFileSync(join(directory, 'functions/_cronlatch'), completionFor('zsh'));

function output(shell: string, code: string): string {
  const ran = spawnSync(shell, shell === 'zsh' ? ['-f', '-c', code] : ['-c', code], {
    encoding: 'utf8',
    cwd: directory,
    env: plainEnv({ HOME: directory }),
    timeout: 30_000,
  });
  expect(ran.stderr).toBe('');
  return ran.stdout;
}

const asked: Readonly<Record<(typeof shells)[number], (line: string, until: string) => string[]>> = {
  bash: (line) => {
    // Readline takes `=` for a word of its own.
    const words = line.replaceAll('=', ' = ').split(/ +/);
    const list = words.map((word) => `'${word}'`).join(' ');
    const code = `source ./bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _cronlatch; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return output('bash', code).split('\n');
  },
  fish: (line) =>
    output('fish', `source ./fish; complete -C '${line}'`)
      .split('\n')
      .map((found) => found.split('\t')[0] ?? ''),
  // A line editor of its own on a pseudo-terminal, told to list what it would complete.
  zsh: (line, until) => {
    const code = `zmodload zsh/zpty; zpty z zsh -f -i
      zpty -w z 'PS1=; fpath=(${directory}/functions $fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000; COLUMNS=200; print rea""dy'
      zpty -r z said '*ready*'
      zpty -w -n z '${line}'$'\\t\\t\\t'
      local all='' part
      for ((i = 0; i < 400; i++)); do
        while zpty -r -t z part; do all+=$part; done
        [[ $all == *'${until}'* ]] && break
        sleep 0.05
      done
      zpty -d z; print -r -- $all`;
    return output('zsh', code).split(/[\s=]+|\x1b\[[0-9;?]*[a-zA-Z]/);
  },
};

describe.each(shells)('%s', (shell) => {
  test('gets the script on standard output', async () => {
    expect(await run(['completion', shell])).toMatchObject({ code: 0, out: completionFor(shell), err: '' });
  });

  test.skipIf(!has(shell))('finds no fault in its syntax', () => {
    const ran = spawnSync(shell, ['-n', join(directory, shell)], { encoding: 'utf8' });
    expect(ran).toMatchObject({ status: 0, stderr: '' });
  });

  test.skipIf(!has(shell)).each([
    ['cronlatch ', commands.map(({ name }) => name)],
    ['cronlatch scan --fail-on ', ['note', 'warn', 'stop', 'never']],
    ['cronlatch rollback --to ', ['before', 'long-running', 'disabled']],
    ['cronlatch lock ', ['status', 'stop', 'doctor', 'test']],
    ['cronlatch deploy --keep', ['--keep-on-fail']],
  ])('completes “%s”', { timeout: 60_000 }, (line, words) => {
    // zsh writes the rest of a single candidate behind what was typed, the other two hand out the whole word.
    const typed = shell === 'zsh' ? (line.split(' ').at(-1) ?? '').length : 0;
    const wanted = words.map((word) => word.slice(typed));
    const found = asked[shell](line, [...wanted].sort().at(-1) ?? '');
    for (const word of wanted)
      expect(
        found.some((one) => one.endsWith(word)),
        word,
      ).toBe(true);
  });
});

test('a shell nobody has heard of is a usage error that names those there are', async () => {
  const ended = await run(['completion', 'powershell']);
  expect(ended.code).toBe(2);
  expect(ended.err).toContain('bash, zsh, fish');
});
