// Scripts as syntax trees. Both parsers are loaded when first needed: a scan of a crontab needs neither.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';

/** A node of either parser: `kind` (php-parser) or `type` (acorn) names it. */
export type Tree = Readonly<Record<string, unknown>>;

export type Parsed =
  | {
      readonly is: 'parsed';
      readonly root: Tree;
      /** Node: holds what only an ES module can hold (import, export, top-level await …). */
      readonly moduleOnly: boolean;
    }
  | { readonly is: 'unparsable'; readonly detail: string; readonly line?: number };

/** One piece of PHP text; all of them in a row are the source. */
export interface Token {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A PHP script as tokens, ours or those of the site's own PHP, or why it is none. */
export type SourceTokens =
  | { readonly is: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly is: 'unparsable'; readonly detail: string; readonly line?: number };

/** Reads a script of either language. */
export function parse(source: Bytes, kind: InterpreterKind): Promise<Parsed> {
  return kind === 'php' ? parsePhp(source) : parseNode(source);
}

/** Every node of the tree, parents before children. */
export function* nodesOf(root: unknown): Generator<Tree> {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (next === null || typeof next !== 'object') continue;
    const inside = Array.isArray(next) ? next : Object.values(next);
    // 'loc' and the like are plain values or positions, never code
    if (!Array.isArray(next) && ('kind' in next || 'type' in next)) yield next as Tree;
    for (let i = inside.length - 1; i >= 0; i--) waiting.push(inside[i]);
  }
}

/** A property of something that may not be a node at all. */
export function get(node: unknown, ...path: readonly string[]): unknown {
  let at = node;
  for (const key of path) at = at !== null && typeof at === 'object' ? (at as Tree)[key] : undefined;
  return at;
}

/** The items of a property that should be a list. */
export function list(node: unknown, key: string): readonly unknown[] {
  const value = get(node, key);
  return Array.isArray(value) ? value : [];
}

/** The value of a string literal of either language; '' for anything else. */
export function text(node: unknown): string {
  const literal = get(node, 'kind') === 'string' || get(node, 'type') === 'Literal';
  const value = literal ? get(node, 'value') : undefined;
  return typeof value === 'string' ? value : '';
}

/** `stop-when-empty` as parsers hand it out: stopWhenEmpty. */
export function camel(option: string): string {
  return option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

async function engineFor(source: Bytes) {
  const { phpEngine } = await import('./phpParser.ts');
  return phpEngine(source);
}

async function parsePhp(source: Bytes): Promise<Parsed> {
  try {
    const engine = await engineFor(source);
    return {
      is: 'parsed',
      root: engine.parseCode(source, 'script.php') as unknown as Tree,
      moduleOnly: false,
    };
  } catch (error) {
    return unparsable(error);
  }
}

/** The tokens of a PHP script, or 'lost' when they do not add up to the source. */
export async function phpTokens(source: Bytes): Promise<readonly Token[] | 'lost'> {
  const engine = await engineFor(source);
  let at = 0;
  const tokens = (engine.tokenGetAll(source) as readonly (string | readonly string[])[]).map((token) => {
    const [name = '', text = ''] = typeof token === 'string' ? [token, token] : token;
    const start = at;
    at += text.length;
    return { name, start, end: at, fits: source.startsWith(text, start) };
  });
  return tokens.every((token) => token.fits) ? tokens : 'lost';
}

async function parseNode(source: Bytes): Promise<Parsed> {
  const { parse: acorn } = await import('acorn');
  const text = decode(source);
  const read = (sourceType: 'module' | 'script') => {
    try {
      const allowReturnOutsideFunction = sourceType === 'script';
      return acorn(text, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction,
      });
    } catch (error) {
      return { error };
    }
  };
  // The way Node tells them apart itself: what is no script must be a module.
  const script = read('script');
  const module = read('module');
  const root = 'error' in module ? script : module;
  if ('error' in root) return unparsable('error' in module ? module.error : root.error);
  return { is: 'parsed', root: root as unknown as Tree, moduleOnly: 'error' in script };
}

/** JavaScript is UTF-8: bytes become characters here, and a position in them goes back by `encode(text.slice(0, n)).length`. */
export function decode(source: Bytes): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Uint8Array.from(source, (c) => c.charCodeAt(0)),
  );
}

/** The bytes of a text, as Bytes. */
export function encode(text: string): Bytes {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

function unparsable(error: unknown): Parsed {
  const detail = error instanceof Error ? error.message : String(error);
  const line = get(error, 'lineNumber') ?? get(error, 'loc', 'line');
  return { is: 'unparsable', detail, ...(typeof line === 'number' ? { line } : {}) };
}
