// The redirects of a simple command: read, and followed to where its output ends up.
import type { Redirection } from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
import type { Command, Outlet, Redirect } from './command.ts';
import { pathFrom } from './paths.ts';
import { readWord, type Shell, type Trouble } from './words.ts';

/** Reads one redirect, or says why this shell or we cannot take it. */
export function readRedirect(text: Bytes, node: Redirection, shell: Shell): Redirect | Trouble {
  const written = text.slice(node.pos, node.end);
  if (node.type === 'HereString' && !shell.bash) return { why: 'bash-syntax', detail: written };
  if (node.type !== 'Redirect' || node.target === undefined) return { why: 'redirect', detail: written };
  const { operator, descriptor } = node;
  // Only bash reads `{name}>` and descriptors of two digits; to dash both are words in front of a redirect.
  if (descriptor?.type === 'FileDescriptorVariable' || (descriptor !== undefined && descriptor.value > 9)) {
    return { why: shell.bash ? 'redirect' : 'bash-syntax', detail: written };
  }
  // dash takes the 1 of `2>&1>file` as the descriptor of the second redirect, which leaves the first without a target.
  if (!shell.bash && /^[0-9][<>]/.test(text.slice(node.target.pos, node.target.pos + 2))) {
    return { why: 'bash-syntax', detail: written };
  }
  const given = descriptor?.value;
  const { word, trouble } = readWord(text, node.target, shell);
  const span = { start: node.pos, end: node.end };
  if (trouble?.why === 'bash-syntax') return trouble;
  if (operator === '&>' || operator === '&>>') {
    return { span, fd: 'both', operator, target: word, ...(shell.bash ? {} : { afterAmpersand: true }) };
  }
  const isFd = word.open === undefined && /^[0-9]$/.test(word.value);
  if (operator === '>&' && !isFd && given === undefined) {
    if (!shell.bash) return { why: 'bash-syntax', detail: written };
    // bash's `>&-` and `>&1-` close and move descriptors, and end at the dash even inside a word.
    const isFile = word.open === undefined && !/^[-0-9]/.test(word.raw);
    return isFile ? { span, fd: 'both', operator, target: word } : { why: 'redirect', detail: written };
  }
  if (operator.endsWith('&') && !isFd) return { why: 'redirect', detail: written };
  const fd = given ?? (operator.startsWith('<') ? 0 : 1);
  return { span, fd, operator, target: word };
}

/**
 * The redirects of one command: one for each of stdin, stdout and stderr, and no descriptor games. `end` is where the
 * command ends: dash takes `cmd &> f` for `cmd &` and a command without words that empties f, and only at the very end is
 * that all it does (crontab.md 5).
 */
export function readRedirects(
  text: Bytes,
  nodes: readonly Redirection[],
  shell: Shell,
  end: number,
): readonly Redirect[] | Trouble {
  const redirects: Redirect[] = [];
  const seen = new Set<Redirect['fd']>();
  for (const node of nodes) {
    const redirect = readRedirect(text, node, shell);
    if ('why' in redirect) return redirect;
    if (redirect.afterAmpersand && (redirect.span.end !== end || seen.has(1) || seen.has(2)))
      return { why: 'bash-syntax', detail: text.slice(node.pos, node.end) };
    if (seen.has(redirect.fd) || !isKept(redirect))
      return { why: 'redirect', detail: text.slice(node.pos, node.end) };
    for (const fd of redirect.fd === 'both' ? (['both', 1, 2] as const) : [redirect.fd]) seen.add(fd);
    if (redirect.fd === 1 || redirect.fd === 2) seen.add('both');
    redirects.push(redirect);
  }
  return redirects;
}

function isKept({ fd, operator, target }: Redirect): boolean {
  if (operator === '<&' || operator === '<>') return false;
  if (operator === '<') return fd === 0;
  if (operator === '>&' && fd !== 'both') {
    return (fd === 1 && target.value === '2') || (fd === 2 && target.value === '1');
  }
  return fd === 1 || fd === 2 || fd === 'both';
}

/** Where standard output goes: a redirect to a file, or nowhere but cron's mail. */
function outputRedirect(redirects: readonly Redirect[]): Redirect | undefined {
  let out: Redirect | undefined;
  let err: Redirect | undefined;
  for (const redirect of redirects) {
    if (redirect.fd === 'both') out = err = redirect;
    else if (redirect.operator === '>&') {
      if (redirect.fd === 1) out = err;
      else err = out;
    } else if (redirect.fd === 1) out = redirect;
    else if (redirect.fd === 2) err = redirect;
  }
  return out;
}

/** Is it the null device? */
export function isNull(redirect: Redirect): boolean {
  return redirect.target.open === undefined && redirect.target.value === '/dev/null';
}

/** Does it say where standard output goes? */
function saysOut({ redirects }: Outlet): boolean {
  return redirects.some(({ fd }) => fd === 1 || fd === 'both');
}

/** Does it say where standard error goes? */
function saysErr({ redirects }: Outlet): boolean {
  return redirects.some(({ fd }) => fd === 2 || fd === 'both');
}

/** Where the worker's output is redirected: the innermost place that says so, its own where none does. */
export function outletOf({ outlets }: Pick<Command, 'outlets'>): Outlet {
  return outlets.find(saysOut) ?? (outlets[0] as Outlet);
}

/** Does a pipe take what the worker prints? Then its programs decide what becomes of it. */
export function isPiped({ outlets }: Pick<Command, 'outlets'>): boolean {
  const at = outlets.findIndex(saysOut);
  return outlets.slice(0, at < 0 ? undefined : at + 1).some(({ sink }) => sink);
}

/**
 * Redirects at several levels, of which an inner one takes only part of what an outer one gives: a log put in at the inner
 * level would change where the errors go. In `2>&1 > file` they go where the output went further out.
 */
export function isTangled(outlets: readonly Outlet[]): boolean {
  const at = Math.max(outlets.findIndex(saysOut), 0);
  const { redirects } = outlets[at] as Outlet;
  const outer = outlets.slice(at + 1);
  const err = redirects.find(({ fd }) => fd === 2 || fd === 'both');
  if (err === undefined) return outer.some(saysErr);
  const out = redirects.find(({ fd }) => fd === 1);
  const before =
    err.operator === '>&' && err.fd === 2 && (out === undefined || err.span.start < out.span.start);
  return before && out !== undefined && outer.some(saysOut);
}

/**
 * The file a command's standard output goes to, as an absolute path; 'none' when cron mails it, 'null' when it is thrown
 * away, 'unknown' when only the shell can name it (`$(date)` in the name), or a pipe hands it to a program.
 */
export function logOf(command: Command): Bytes | 'none' | 'null' | 'unknown' {
  const { redirects, directory } = outletOf(command);
  const out = outputRedirect(redirects);
  if (out === undefined) return isPiped(command) ? 'unknown' : 'none';
  if (out.target.open) return 'unknown';
  return isNull(out) ? 'null' : pathFrom(directory, out.target.value);
}
