// The edits that bring a command's output into its log: `>> LOG 2>&1`, with what the old redirects meant kept.
import type { Bytes } from '../crontab/crontab.ts';
import type { Outlet, Redirect, RewriteNote } from './command.ts';
import { type Edit, skipBlanks } from './edits.ts';
import { pathFrom } from './paths.ts';
import { shellQuote } from './quote.ts';
import { isNull } from './redirects.ts';

interface OutputPlan {
  readonly edits: readonly Edit[];
  readonly note: RewriteNote;
}

/**
 * Plans the output. A file the command writes already stays its log (unless the wish `replaces` it), appended to
 * instead of truncated. Errors sent to a file of their own, or thrown away while the output is kept, are a decision
 * and stay. `text` is the one the outlet stands in.
 */
export function planOutput(text: Bytes, outlet: Outlet, wishedLog: Bytes, replaces: boolean): OutputPlan {
  const log = shellQuote(wishedLog);
  const both = outlet.redirects.find(({ fd }) => fd === 'both');
  const out = outlet.redirects.find(({ fd }) => fd === 1);
  const err = outlet.redirects.find(({ fd }) => fd === 2);
  const gives = ({ target }: Redirect): boolean =>
    replaces && pathFrom(outlet.directory, target.value) !== wishedLog;
  if (both !== undefined) return planBoth(both, isNull(both) || gives(both), log, wishedLog);
  if (out === undefined) return planWithoutOut(outlet, err, log, wishedLog);
  if (out.operator === '>&') return planOutToErr(text, outlet, out, err, log, wishedLog);
  if (isNull(out) || gives(out)) return planNull(text, outlet, out, err, log, wishedLog);
  return planFile(text, outlet, out, err);
}

function planBoth(both: Redirect, instead: boolean, log: Bytes, wishedLog: Bytes): OutputPlan {
  const file = both.target.value;
  if (instead)
    return { edits: [replace(both, `>> ${log} 2>&1`)], note: { code: 'null-replaced', log: wishedLog } };
  if (both.operator === '&>>' && !both.afterAmpersand)
    return { edits: [], note: { code: 'log-kept', log: file } };
  const edits = [replace(both, `>> ${both.target.raw} 2>&1`)];
  return { edits, note: { code: 'truncate-to-append', log: file } };
}

function planWithoutOut(outlet: Outlet, err: Redirect | undefined, log: Bytes, wishedLog: Bytes): OutputPlan {
  const note = { code: 'log-added', log: wishedLog } as const;
  if (err?.operator === '>&') return { edits: [replace(err, `>> ${log} 2>&1`)], note };
  const errors = err === undefined ? ' 2>&1' : '';
  return { edits: [insert(outlet.span.end, ` >> ${log}${errors}`)], note };
}

/** `>&2`: what standard output gets depends on where standard error pointed at that moment. */
function planOutToErr(
  text: Bytes,
  outlet: Outlet,
  out: Redirect,
  err: Redirect | undefined,
  log: Bytes,
  wishedLog: Bytes,
): OutputPlan {
  const added = { code: 'log-added', log: wishedLog } as const;
  if (err === undefined) return { edits: [replace(out, `>> ${log} 2>&1`)], note: added };
  if (err.span.start > out.span.start) return { edits: [replace(out, `>> ${log}`)], note: added };
  if (err.operator === '>&' || isNull(err)) {
    const code = err.operator === '>&' ? 'log-added' : 'null-replaced';
    return {
      edits: [replace(out, `>> ${log} 2>&1`), remove(text, outlet, err)],
      note: { code, log: wishedLog },
    };
  }
  const edits = appending(text, err);
  const code = edits.length > 0 ? 'truncate-to-append' : 'log-kept';
  return { edits, note: { code, log: err.target.value } };
}

function planNull(
  text: Bytes,
  outlet: Outlet,
  out: Redirect,
  err: Redirect | undefined,
  log: Bytes,
  wishedLog: Bytes,
): OutputPlan {
  const note = { code: 'null-replaced', log: wishedLog } as const;
  if (err === undefined) return { edits: [replace(out, `>> ${log} 2>&1`)], note };
  const follows = err.operator === '>&' && err.span.start > out.span.start;
  if (follows || (err.operator !== '>&' && !isNull(err))) return { edits: [replace(out, `>> ${log}`)], note };
  return { edits: [replace(out, `>> ${log} 2>&1`), remove(text, outlet, err)], note };
}

function planFile(text: Bytes, outlet: Outlet, out: Redirect, err: Redirect | undefined): OutputPlan {
  const log = out.target.value;
  const edits = appending(text, out);
  const truncated = edits.length > 0;
  let added = false;
  if (err === undefined) {
    edits.push(insert(out.span.end, ' 2>&1'));
    added = true;
  } else if (err.operator === '>&' && err.span.start < out.span.start) {
    edits.push(insert(out.span.end, ' 2>&1'), remove(text, outlet, err));
    added = true;
  } else if (err.operator !== '>&' && err.target.raw === out.target.raw) {
    // Two descriptors on one file: both must append, or one overwrites what the other wrote.
    edits.push(...appending(text, err));
  }
  const code = truncated ? 'truncate-to-append' : added ? 'stderr-added' : 'log-kept';
  return { edits, note: { code, log } };
}

/** The edits that make a redirect append to its file instead of emptying it. */
export function appending(text: Bytes, redirect: Redirect): Edit[] {
  if (!['>', '>|', '&>'].includes(redirect.operator)) return [];
  const start = text.indexOf(redirect.operator, redirect.span.start);
  return [{ start, end: start + redirect.operator.length, text: redirect.operator === '&>' ? '&>>' : '>>' }];
}

function insert(at: number, text: Bytes): Edit {
  return { start: at, end: at, text };
}

function replace({ span }: Redirect, text: Bytes): Edit {
  return { ...span, text };
}

/** Takes a redirect out together with the blanks on one side, never letting two words of the command touch. */
function remove(text: Bytes, outlet: Outlet, { span }: Redirect): Edit {
  const end = skipBlanks(text, span.end);
  if (end < outlet.span.end) return { start: span.start, end, text: '' };
  let start = span.start;
  while (text[start - 1] === ' ' || text[start - 1] === '\t') start--;
  return { start, end: span.end, text: '' };
}
