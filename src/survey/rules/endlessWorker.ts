// A worker that never ends by itself, started again and again.
import { readable } from '../../change/encode.ts';
import type { Reading } from '../../command/command.ts';
import { frameworkOf, onePass } from '../../worker/frameworks.ts';
import { anyOf, type EntryRule } from './rule.ts';

interface Kind {
  readonly word: RegExp;
  /** Any of these ends it. */
  readonly limits: RegExp | 'none';
  readonly fix: string;
}

const KINDS: readonly Kind[] = [
  {
    word: /^queue:work$/,
    limits: /^--(?:once|stop-when-empty|max-time|max-jobs)(?:=|$)/,
    fix: '--stop-when-empty --max-time=55',
  },
  {
    word: /^messenger:consume(?:-messages)?$/,
    limits: /^(?:--(?:time-limit|limit|memory-limit|failure-limit)(?:=|$)|-[tlmf])/,
    fix: '--time-limit=55',
  },
  { word: /^queue:listen$/, limits: 'none', fix: 'queue:work --stop-when-empty' },
  { word: /^queue\/listen$/, limits: 'none', fix: 'queue/run' },
  { word: /^schedule:work$/, limits: 'none', fix: 'schedule:run' },
  { word: /^(?:horizon|reverb:start|octane:start)$/, limits: 'none', fix: '' },
  {
    word: /^--(?:daemon|loop|forever)$/,
    limits: /^--(?:once|max-time|max-jobs|limit|time-limit)(?:=|$)/,
    fix: '',
  },
];

export const endlessWorker: EntryRule = {
  code: 'endless-worker',
  gate: anyOf(
    ...['queue:work', 'queue:listen', 'queue/listen', 'messenger:consume', 'schedule:work'],
    ...['horizon', 'reverb:start', 'octane:start', '--daemon', '--loop', '--forever'],
  ),
  check({ entry, reading, syntax }) {
    // Started once a boot, going on is what it is for.
    if (entry.schedule.is === 'reboot') return [];
    if (isTold(reading)) return [];
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    const locked =
      /\bflock\b|cronlatch-guard\.|\bcronlatch lock\b/.test(entry.command.text) ||
      (reading.is === 'opaque' && reading.why === 'lock-wrapper');
    for (const { args, name } of flat.commands) {
      const words = [name, ...args].flatMap((word) =>
        word === undefined ? [] : word.value.split(/\s+/).map((value) => ({ value, span: word.span })),
      );
      for (const kind of KINDS) {
        const found = words.find(({ value }) => kind.word.test(value));
        const { limits } = kind;
        if (found === undefined || (limits !== 'none' && words.some(({ value }) => limits.test(value))))
          continue;
        const hit = {
          at: found.span,
          args: { word: readable(found.value), fix: kind.fix, locked: locked ? 'yes' : '' },
        };
        return [locked ? { ...hit, level: 'note' as const } : hit];
      }
    }
    return [];
  },
};

/** Of a framework we know, the rule about the worker itself speaks, and names the right flag. */
function isTold(reading: Reading): boolean {
  if (reading.is === 'opaque') return false;
  const args = reading.args.map((arg) => readable(arg.value));
  const framework = frameworkOf(readable(reading.scriptPath), args);
  return framework !== 'none' && !/^(?:unknown|endless)$/.test(onePass(framework, args).is);
}
