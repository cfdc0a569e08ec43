// Syntax that only bash understands, in a text that dash reads. What dash does with each was measured.
import type { Simple } from '../../command/syntax.ts';
import type { Bytes } from '../../crontab/crontab.ts';
import { anyOf, type EntryRule, type Hit } from './rule.ts';

const COMMANDS = new Set(['source', 'let', 'pushd', 'popd', 'declare', 'typeset', 'shopt', 'disown']);

const SIGNS = anyOf(
  ...['|&', '&>', '<<<', '<(', '>(', '[[', '((', "$'", '$"', '=(', '+=', '=='],
  ...[
    'source',
    'let',
    'pushd',
    'popd',
    'declare',
    'typeset',
    'shopt',
    'disown',
    'function',
    'select',
    'pipefail',
  ],
);

function mayBeBash(text: Bytes): boolean {
  if (SIGNS.test(text)) return true;
  // `>&1` is anybody's.
  for (let at = text.indexOf('>&'); at >= 0; at = text.indexOf('>&', at + 2))
    if (!'0123456789'.includes(text[at + 2] ?? 'x') || !' \t;&|'.includes(text[at + 3] ?? ' ')) return true;
  return (
    (text.includes('{') && /\$\{[^}]{0,80}[:/^,@[!]|\{[^}]{0,80}(?:,|\.\.)/.test(text)) ||
    (text.includes('echo') && /\becho\s+-[a-zA-Z]*e/.test(text)) ||
    (text.includes('export') && /\bexport\s+-f/.test(text))
  );
}

export const bashInSh: EntryRule = {
  code: 'bash-in-sh',
  gate: { test: mayBeBash },
  check({ dash, syntax }) {
    const flat = dash ? syntax() : 'syntax-error';
    if (flat === 'syntax-error') return [];
    const hits: Hit[] = flat.foreign.map(({ form, span }) => ({ at: span, args: { form } }));
    for (const command of flat.commands) hits.push(...ofCommand(command));
    return hits;
  },
};

function ofCommand({ name, args }: Simple): Hit[] {
  const word = name?.value ?? '';
  if (name !== undefined && COMMANDS.has(word))
    return [{ at: name.span, args: { form: 'command', command: word } }];
  const at = (index: number, form: string): Hit[] => {
    const found = args[index];
    return found === undefined ? [] : [{ at: found.span, args: { form } }];
  };
  if (word === '[' || word === 'test')
    return at(
      args.findIndex((arg) => arg.raw === '=='),
      'double-equals',
    );
  if (word === 'echo' && /^-[neE]*e[neE]*$/.test(args[0]?.raw ?? '')) return at(0, 'echo-e');
  if (word === 'set') {
    const pipefail = args.findIndex((arg) => arg.raw === 'pipefail');
    return at(pipefail, 'pipefail');
  }
  if (word === 'export' && args[0]?.raw === '-f') return at(0, 'export-f');
  return [];
}
