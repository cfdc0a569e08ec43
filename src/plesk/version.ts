// `plesk version`: which product this is (fact: product-version).
import { garbage, inShort, type Read, read } from './answer.ts';

/** `Plesk Obsidian 18.0.80.3`. */
export function readVersion(text: string): Read<string> {
  const found = /^[ \t]*Product version:[ \t]*(\S.*?)[ \t\r]*$/m.exec(text)?.[1];
  if (found === undefined) return garbage(`no line "Product version:" in: ${inShort(text) || '(nothing)'}`);
  return /\d+\.\d+/.test(found) ? read(found) : garbage(`no number in: ${inShort(found)}`);
}
