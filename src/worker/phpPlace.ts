// The first place in a PHP script where a statement may stand.
import type { Bytes } from '../crontab/crontab.ts';
import type { Place, Refused } from './inject.ts';
import { get, nodesOf, parse, phpTokens, type SourceTokens, type Token } from './tree.ts';

const ENCODED = [
  [/ionCube Loader|_il_exec\s*\(|<\?php \/\/00[0-9a-f]{2}/, 'ionCube'],
  [/\bsg_load\s*\(|SourceGuardian/, 'SourceGuardian'],
  [/^<\?php @Zend;|Zend Guard|<\?php\s*\/\* Zend Optimizer/, 'Zend Guard'],
] as const;

const BLANK = /^T_(?:WHITESPACE|COMMENT|DOC_COMMENT)$/;

/**
 * Behind the open tag and what PHP wants in front of everything: `declare`, `namespace`; and behind the `use` lines, which
 * do nothing by themselves. `told` are the tokens of the site's own PHP, which knows the syntax of its version; without
 * them ours have to do.
 */
export async function phpPlace(source: Bytes, told?: SourceTokens): Promise<Place | Refused> {
  const encoder = ENCODED.find(([pattern]) => pattern.test(source.slice(0, 2000)));
  if (encoder) return refused('encoded', encoder[1]);
  const head = /^(?:\xef\xbb\xbf)?(?:#![^\r\n]*(?:\r\n|\n|\r))?(?:\xef\xbb\xbf)?/.exec(source)?.[0] ?? '';
  if (source.length === head.length) return refused('empty', '');
  const tag = /^<\?(?:php(?=\s|$)|(?=\s))/i.exec(source.slice(head.length))?.[0];
  const beginning = source.slice(head.length, head.length + 40).trim();
  if (tag === undefined) {
    return /<\?(?:php)?\s/i.test(source)
      ? refused('html-before-tag', beginning, 1)
      : refused('no-open-tag', beginning, 1);
  }

  const read = told ?? (await ownTokens(source));
  if (read.is === 'refused') return read;
  if (read.is === 'unparsable') return refused('unparsable', read.detail, read.line);
  const { tokens } = read;
  const opens = tokens.some(({ name, start }) => name === 'T_OPEN_TAG' && start === head.length);
  // `<?` is text where short_open_tag is off.
  if (!opens) return refused('no-open-tag', beginning, 1);
  const tagEnd = head.length + tag.length;
  const code = tokens.filter(({ end, name }) => end > tagEnd && !BLANK.test(name) && name !== 'T_OPEN_TAG');
  const halt = code.find(({ name }) => name === 'T_HALT_COMPILER');
  if (halt) return refused('halt-compiler', '__halt_compiler()', lineOf(source, halt.start));
  if (code.every(({ name }) => name === 'T_CLOSE_TAG')) return refused('empty', '');

  if (tokens.at(-1)?.end !== source.length)
    return refused('unparsable', 'the parser does not see every byte');

  const { at, namespaced } = afterHead(source, code, tagEnd);
  const late = code.find((token, i) => token.start >= at && mustBeFirst(source, code, i, namespaced));
  if (late) {
    const name = source.slice(late.start, late.end).toLowerCase();
    return refused('unparsable', `${name} is not where it can be passed`, lineOf(source, late.start));
  }
  return { is: 'place', at };
}

async function ownTokens(source: Bytes): Promise<SourceTokens | Refused> {
  const parsed = await parse(source, 'php');
  if (parsed.is === 'unparsable') return parsed;
  // Our tokenizer would go on into the data behind it.
  const halt = [...nodesOf(parsed.root)].find((node) => node['kind'] === 'halt');
  if (halt)
    return refused(
      'halt-compiler',
      '__halt_compiler()',
      lineOf(source, Number(get(halt, 'loc', 'start', 'offset'))),
    );
  const tokens = await phpTokens(source);
  return tokens === 'lost'
    ? { is: 'unparsable', detail: 'the parser does not see every byte' }
    : { is: 'tokens', tokens };
}

/** The end of the open tag, or of the last `declare(…);`, `namespace X;`, `namespace X {` or `use …;` that follows it. */
function afterHead(
  source: Bytes,
  code: readonly Token[],
  tagEnd: number,
): { readonly at: number; readonly namespaced: boolean } {
  let at = tagEnd;
  let namespaced = false;
  for (let i = 0; i < code.length; ) {
    const token = code[i];
    if (token === undefined || !/^T_(?:DECLARE|NAMESPACE|USE)$/.test(token.name)) break;
    // `namespace\f()` is an expression, `declare(ticks=1) {` a block, and a closing tag is followed by text.
    if (token.name === 'T_NAMESPACE' && isExpression(source, token.end)) break;
    const sign = token.name === 'T_USE' ? /^(?:;|T_CLOSE_TAG)$/ : /^(?:[;{:]|T_CLOSE_TAG)$/;
    const end = code.findIndex((next, j) => j > i && sign.test(next.name));
    const last = code[end];
    if (last === undefined || !(last.name === ';' || (token.name === 'T_NAMESPACE' && last.name === '{')))
      break;
    if (token.name === 'T_NAMESPACE') {
      if (namespaced) break;
      namespaced = true;
    }
    at = last.end;
    i = end + 1;
  }
  return { at, namespaced };
}

function isExpression(source: Bytes, at: number): boolean {
  return /^\s*\\/.test(source.slice(at, at + 50));
}

/** Would PHP refuse it behind a statement of ours? */
function mustBeFirst(source: Bytes, code: readonly Token[], i: number, namespaced: boolean): boolean {
  const token = code[i];
  if (token?.name === 'T_NAMESPACE') return !namespaced && !isExpression(source, token.end);
  const name = code[i + 2];
  const strict = name !== undefined && /^strict_types$/i.test(source.slice(name.start, name.end));
  return token?.name === 'T_DECLARE' && strict;
}

function lineOf(source: Bytes, offset: number): number {
  return source.slice(0, offset).split(/\r\n|\n|\r/).length;
}

function refused(why: Refused['why'], detail: string, line?: number): Refused {
  return { is: 'refused', why, detail, ...(line === undefined ? {} : { line }) };
}
