// `nice -n 10 cd X && …`: cd is part of the shell and no program, so that no other program can start it.
import { readable } from '../../change/encode.ts';
import { baseName } from '../../command/paths.ts';
import type { Piece } from '../../command/syntax.ts';
import { anyOf, type EntryRule } from './rule.ts';

const WRAPPERS = new Set(
  'nice ionice timeout env nohup setsid chrt stdbuf sudo doas flock taskset time systemd-run'.split(' '),
);

export const cdBehindWrapper: EntryRule = {
  code: 'cd-behind-wrapper',
  gate: anyOf(' cd ', '\tcd ', ' cd\t', '\tcd\t'),
  check({ syntax }) {
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    return flat.commands.flatMap(({ name, args }) => {
      const wrapper = baseName(name?.value ?? '');
      if (!WRAPPERS.has(wrapper)) return [];
      const at = args.findIndex((arg) => arg.raw === 'cd');
      const word = args[at];
      if (word === undefined || !isFirst(args.slice(0, at), wrapper)) return [];
      return [{ at: word.span, args: { wrapper: readable(wrapper) } }];
    });
  },
};

/** Nothing but the wrapper's own words stands in front: options, their values, a duration, flock's file. */
function isFirst(before: readonly Piece[], wrapper: string): boolean {
  let spare = wrapper === 'flock' || wrapper === 'taskset' ? 1 : 0;
  return before.every(({ raw }, at) => {
    if (raw.startsWith('-') || /^[0-9.]+[smhd]?$/.test(raw) || /^\w+=/.test(raw)) return true;
    if (/^-[A-Za-z]$/.test(before[at - 1]?.raw ?? '') && wrapper !== 'flock') return true;
    return spare-- > 0;
  });
}
