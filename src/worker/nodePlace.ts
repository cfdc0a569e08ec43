// The first place in an ES module where a statement may stand.
import type { Bytes } from '../crontab/crontab.ts';
import type { Place, Refused } from './inject.ts';
import { decode, encode, get, list, parse } from './tree.ts';

/** Behind the `#!` line and the directives. Only in an ES module: there imports run in the order they are written. */
export async function nodePlace(source: Bytes, module?: 'esm' | 'commonjs'): Promise<Place | Refused> {
  const bom = source.startsWith('\xef\xbb\xbf') ? 3 : 0;
  const code = source.slice(bom);
  const hashbang = /^#![^\r\n]*(?:\r\n|\n|\r)?/.exec(code)?.[0] ?? '';
  if (module === 'commonjs') return refused('commonjs', 'the file is a CommonJS module');

  const parsed = await parse(code, 'node');
  if (parsed.is === 'unparsable') {
    return refused('unparsable', parsed.detail, parsed.line);
  }
  const body = list(parsed.root, 'body');
  if (body.length === 0) return refused('empty', '');
  if (module !== 'esm' && !parsed.moduleOnly) {
    return refused('commonjs', 'no import, export or top-level await in it');
  }

  let end = 0;
  for (const statement of body) {
    if (typeof get(statement, 'directive') !== 'string') break;
    end = Number(get(statement, 'end'));
  }
  // The parser counts characters, we count bytes.
  const at = end === 0 ? hashbang.length : encode(decode(code).slice(0, end)).length;
  return { is: 'place', at: bom + at };
}

function refused(why: Refused['why'], detail: string, line?: number): Refused {
  return { is: 'refused', why, detail, ...(line === undefined ? {} : { line }) };
}
