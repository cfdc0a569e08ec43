// Does a worker understand --once, or another option? Read from its syntax tree: a comment, a usage text or another
// program's command line does not count.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { nodeAsks } from './onceNode.ts';
import { camel, get, list, nodesOf, parse, type Tree, text } from './tree.ts';

/** 'no' means: this source does not look for it. 'unknown': it cannot be read. `option` is its name without dashes. */
export async function understands(
  source: Bytes,
  kind: InterpreterKind,
  option = 'once',
): Promise<'yes' | 'no' | 'unknown'> {
  const parsed = await parse(source, kind);
  if (parsed.is === 'unparsable') return 'unknown';
  const nodes = [...nodesOf(parsed.root)];
  return (kind === 'php' ? phpAsks(nodes, option) : nodeAsks(nodes, option)) ? 'yes' : 'no';
}

/** Functions that look for a value among others. */
const SEARCHES =
  /^(?:in_array|array_search|array_keys|array_intersect|strcmp|strpos|stripos|str_starts_with|str_contains|preg_match|preg_grep|array_key_exists)$/;

function phpAsks(nodes: readonly Tree[], option: string): boolean {
  const flag = `--${option}`;
  const bound = namesOf(nodes, (value) => text(value) === flag);
  const isFlag = (node: unknown): boolean =>
    text(node) === flag || isPattern(text(node), flag) || bound.has(nameOf(node));
  const holdsFlag = (node: unknown): boolean =>
    isFlag(node) ||
    (get(node, 'kind') === 'array' && list(node, 'items').some((i) => isFlag(get(i, 'value'))));
  return nodes.some((node) => {
    switch (node['kind']) {
      case 'call':
        return isAsking(node, holdsFlag, option) || isGetopt(nodes, node, option);
      case 'new':
        return /(?:^|\\)InputOption$/.test(String(get(node, 'what', 'name'))) && firstText(node) === option;
      case 'bin':
        return (
          /^(?:[=!]==?|<=>)$/.test(String(node['type'])) && (isFlag(node['left']) || isFlag(node['right']))
        );
      case 'case':
        return isFlag(node['test']);
      case 'matcharm':
        return list(node, 'conds').some(isFlag);
      case 'offsetlookup':
        return isFlag(node['offset']);
      case 'property': // a Laravel command's signature
        return get(node, 'name', 'name') === 'signature' && isInSignature(text(node['value']), option);
      case 'parameter': // a Symfony command that is one method
        return get(node, 'name', 'name') === camel(option) && hasAttribute(node, /(?:^|\\)Option$/);
      case 'entry': // League CLImate
        return text(node['key']) === 'longPrefix' && text(node['value']) === option;
      default:
        return false;
    }
  });
}

function isAsking(call: Tree, holdsFlag: (node: unknown) => boolean, option: string): boolean {
  if (SEARCHES.test(phpName(call))) return list(call, 'arguments').some(holdsFlag);
  const method = String(get(call, 'what', 'offset', 'name'));
  if (method === 'addOption') return firstText(call) === option;
  // Laravel's Artisan::command('import {--once}', …)
  return method === 'command' && isInSignature(firstText(call), option);
}

function isGetopt(nodes: readonly Tree[], call: Tree, option: string): boolean {
  if (phpName(call) !== 'getopt') return false;
  const long = list(call, 'arguments').find(
    (argument, i) =>
      get(argument, 'name') === 'long_options' || (i === 1 && get(argument, 'kind') !== 'namedargument'),
  );
  const isLong = (node: unknown): boolean => text(node).replace(/:{1,2}$/, '') === option;
  const among = (root: unknown): boolean => [...nodesOf(root)].some(isLong);
  if (among(long)) return true;
  const names = new Set([...nodesOf(long)].map(nameOf).filter((name) => name !== ''));
  if (names.size === 0) return false;
  // Built before the call, in a variable or a constant, perhaps piece by piece.
  const built = namesOf(nodes, among);
  return [...names].some((name) => built.has(name));
}

/** Variables and constants that are given a value of this kind. */
function namesOf(nodes: readonly Tree[], fits: (value: unknown) => boolean): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of nodes) {
    if (node['kind'] === 'assign' && fits(node['right'])) {
      const left = get(node, 'left', 'kind') === 'offsetlookup' ? get(node, 'left', 'what') : node['left'];
      found.add(nameOf(left));
    }
    if (node['kind'] === 'constant' && fits(node['value'])) found.add(String(get(node, 'name', 'name')));
    if (node['kind'] === 'call' && phpName(node) === 'define') {
      const [name, value] = list(node, 'arguments');
      if (fits(value)) found.add(text(name));
    }
  }
  found.delete('');
  return found;
}

/** `$x`, `X` and `self::X` by name; '' for anything else. */
function nameOf(node: unknown): string {
  const kind = get(node, 'kind');
  if (kind === 'variable') return `$${String(get(node, 'name'))}`;
  if (kind === 'name') return String(get(node, 'name')).replace(/^.*\\/, '');
  return kind === 'staticlookup' ? String(get(node, 'offset', 'name')) : '';
}

/** A regular expression that looks for the flag: `/^--once$/`. */
function isPattern(value: string, flag: string): boolean {
  const [, inner = ''] = /^([/#~@])(?:\^|\\b)?(.*?)\$?\1[a-z]*$/s.exec(value)?.slice(1) ?? [];
  return inner.replace(/\\(?=-)/g, '') === flag;
}

function isInSignature(signature: string, option: string): boolean {
  return [...signature.matchAll(/\{\s*--(?:[a-zA-Z]+\|)?([a-zA-Z0-9_-]+)/g)].some((m) => m[1] === option);
}

function hasAttribute(node: Tree, name: RegExp): boolean {
  return list(node, 'attrGroups').some((group) =>
    list(group, 'attrs').some((a) => name.test(String(get(a, 'name')))),
  );
}

/** The first argument's text, named or not. */
function firstText(call: Tree): string {
  const [first] = list(call, 'arguments');
  return text(get(first, 'kind') === 'namedargument' ? get(first, 'value') : first);
}

function phpName(call: Tree): string {
  return get(call, 'what', 'kind') === 'name'
    ? String(get(call, 'what', 'name'))
        .replace(/^.*\\/, '')
        .toLowerCase()
    : '';
}
