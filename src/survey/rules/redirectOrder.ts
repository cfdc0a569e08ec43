// `2>&1 > file`: errors go where the output went before, which is cron's mail.
import { readable } from '../../change/encode.ts';
import type { Stream } from '../../command/syntax.ts';
import type { EntryRule, Hit } from './rule.ts';

export const redirectOrder: EntryRule = {
  code: 'redirect-order',
  gate: { test: (text) => text.includes('2>&1') && text.includes('>', text.indexOf('2>&1') + 4) },
  check({ syntax }) {
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    return flat.commands.flatMap(({ streams, joint }) => {
      // Into a pipe it is how errors alone are thrown away or kept: `2>&1 >file | grep`.
      const order = joint === '|' || joint === '|&' ? undefined : wrongOrder(streams);
      return order === undefined ? [] : [order];
    });
  },
};

const isOutput = ({ fd, operator }: Stream): boolean =>
  (fd === undefined || fd === 1) && /^>[>|]?$/.test(operator);

function wrongOrder(streams: readonly Stream[]): Hit | undefined {
  const copy = streams.findIndex(
    ({ fd, operator, target }) => fd === 2 && operator === '>&' && target?.value === '1',
  );
  const first = streams[copy];
  if (first === undefined || streams.slice(0, copy).some(isOutput)) return undefined;
  const out = streams.slice(copy + 1).find(isOutput);
  if (out === undefined) return undefined;
  // What sends errors somewhere else afterwards makes the order right again.
  if (streams.slice(copy + 1).some(({ fd }) => fd === 2)) return undefined;
  return {
    at: { start: first.span.start, end: out.span.end },
    args: { file: readable(out.target?.raw ?? ''), operator: out.operator },
  };
}
