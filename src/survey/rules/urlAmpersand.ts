// `wget https://…?a=1&b=2` without quotes: the shell cuts the address at the & and starts the rest as a command.
import type { EntryRule } from './rule.ts';

export const urlAmpersand: EntryRule = {
  code: 'url-ampersand',
  gate: { test: (text) => text.includes('://') && /:\/\/[^\s'"]{1,2000}&[^\s&]/.test(text) },
  check({ syntax, entry }) {
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    const { text } = entry.command;
    return flat.commands.flatMap(({ args, joint, span }) => {
      const url = args.at(-1);
      if (joint !== '&' || url === undefined || url.span.end !== span.end) return [];
      if (!/^(?:https?|ftp):\/\//.test(url.raw) || text[span.end] !== '&') return [];
      if (!/[A-Za-z_]/.test(text[span.end + 1] ?? '')) return [];
      return [{ at: { start: span.end, end: span.end + 1 } }];
    });
  },
};
