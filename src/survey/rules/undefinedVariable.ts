// A variable that is empty when cron runs the text, though it is set where people try the line out.

import { readable } from '../../change/encode.ts';
import type { Syntax } from '../../command/syntax.ts';
import type { Bytes } from '../../crontab/crontab.ts';
import { anyOf, type EntryRule, type Hit } from './rule.ts';

export const undefinedVariable: EntryRule = {
  code: 'undefined-variable',
  gate: anyOf('$'),
  check({ syntax, isSet }) {
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    const own = setInText(flat);
    if (own === 'anything') return [];
    const hits: Hit[] = [];
    const said = new Set<Bytes>();
    for (const { name, span, safe } of flat.uses) {
      if (safe || said.has(name) || !/^[A-Za-z_]\w*$/.test(name) || own.has(name) || isSet(name)) continue;
      said.add(name);
      hits.push({ at: span, args: { name: readable(name) } });
    }
    return hits;
  },
};

/** Names the text sets itself, wherever; 'anything' when it reads settings from a file or builds commands. */
function setInText({ commands }: Syntax): ReadonlySet<Bytes> | 'anything' {
  const own = new Set<Bytes>();
  for (const { name, args, sets } of commands) {
    for (const set of sets) own.add(set);
    switch (name?.value) {
      case '.':
      case 'source':
      case 'eval':
        return 'anything';
      case 'export':
      case 'readonly':
      case 'local':
      case 'declare':
      case 'typeset':
        for (const { raw } of args) if (raw.includes('=')) own.add(raw.slice(0, raw.indexOf('=')));
        break;
      case 'read':
      case 'getopts':
      case 'mapfile':
      case 'readarray':
        for (const { value } of args) own.add(value);
        break;
    }
  }
  return own;
}
