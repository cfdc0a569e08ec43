// The first place in a PHP script where a statement may stand.
import type { Bytes } from '../crontab/crontab.ts';
import type { Place, Refused } from './inject.ts';
import { get, list, nodesOf, parse, phpTokens, type Token } from './tree.ts';

const ENCODED = [
  [/ionCube Loader|_il_exec\s*\(|<\?php \/\/00[0-9a-f]{2}/, 'ionCube'],
  [/\bsg_load\s*\(|SourceGuardian/, 'SourceGuardian'],
  [/^<\?php @Zend;|Zend Guard|<\?php\s*\/\* Zend Optimizer/, 'Zend Guard'],
] as const;

/** `declare` and an unbracketed `namespace` must come first; the call follows them directly. */
export async function phpPlace(source: Bytes): Promise<Place | Refused> {
  const encoder = ENCODED.find(([pattern]) => pattern.test(source.slice(0, 2000)));
  if (encoder) return refused('encoded', encoder[1]);
  const head = /^(?:\xef\xbb\xbf)?(?:#![^\r\n]*(?:\r\n|\n|\r))?(?:\xef\xbb\xbf)?/.exec(source)?.[0] ?? '';
  if (source.length === head.length) return refused('empty', '');
  const tag = /^<\?(?:php(?=\s|$)|(?=\s))/i.exec(source.slice(head.length))?.[0];
  if (tag === undefined) {
    return /<\?(?:php)?\s/i.test(source)
      ? refused('html-before-tag', source.slice(head.length, head.length + 40).trim(), 1)
      : refused('no-open-tag', source.slice(head.length, head.length + 40).trim(), 1);
  }

  const parsed = await parse(source, 'php');
  if (parsed.is === 'unparsable') {
    return refused('unparsable', parsed.detail, parsed.line);
  }
  const statements = list(parsed.root, 'children').filter((node) => start(node) >= head.length);
  if (statements.length === 0) return refused('empty', '');
  for (const node of nodesOf(parsed.root)) {
    if (node['kind'] === 'halt')
      return refused('halt-compiler', '__halt_compiler()', lineOf(source, start(node)));
  }

  const tokens = await phpTokens(source);
  if (tokens === 'lost') return refused('unparsable', 'the parser does not see every byte');
  const at = afterHead(source, tokens, head.length + tag.length);
  const late = statements.find((node) => start(node) >= at && mustBeFirst(node));
  if (late) {
    const name = String(get(late, 'kind'));
    return refused('unparsable', `${name} is not where it can be passed`, lineOf(source, start(late)));
  }
  return { is: 'place', at };
}

/** The end of the open tag, or of the last `declare(…);`, `namespace X;` or `namespace X {` that follows it. */
function afterHead(source: Bytes, tokens: readonly Token[], tagEnd: number): number {
  let at = tagEnd;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (!token || token.end <= tagEnd) continue;
    if (token.start < tagEnd || /^T_(WHITESPACE|COMMENT|DOC_COMMENT|OPEN_TAG)$/.test(token.name)) continue;
    if (token.name !== 'T_DECLARE' && token.name !== 'T_NAMESPACE') return at;
    // `namespace\f()` is an expression and `declare(ticks=1) {` a block: neither ends in a plain ';' before code.
    const end = tokens.findIndex((next, j) => j > i && /^(?:[;{:]|T_CLOSE_TAG)$/.test(next.name));
    const last = tokens[end];
    if (!last || isExpression(source, token.end)) return at;
    if (token.name === 'T_DECLARE' ? last.name !== ';' : !/^[;{]$/.test(last.name)) return at;
    at = last.end;
    if (token.name === 'T_NAMESPACE') return at;
    i = end;
  }
  return at;
}

function isExpression(source: Bytes, at: number): boolean {
  return /^\s*\\/.test(source.slice(at, at + 50));
}

function mustBeFirst(node: unknown): boolean {
  const strict = list(node, 'directives').some((d) => get(d, 'key', 'name') === 'strict_types');
  return (
    (get(node, 'kind') === 'declare' && strict) ||
    (get(node, 'kind') === 'namespace' && !get(node, 'withBrackets'))
  );
}

function start(node: unknown): number {
  const offset = get(node, 'loc', 'start', 'offset');
  return typeof offset === 'number' ? offset : 0;
}

function lineOf(source: Bytes, offset: number): number {
  return source.slice(0, offset).split(/\r\n|\n|\r/).length;
}

function refused(why: Refused['why'], detail: string, line?: number): Refused {
  return { is: 'refused', why, detail, ...(line === undefined ? {} : { line }) };
}
