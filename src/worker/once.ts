// Does a worker understand --once? Read from its syntax tree, so a comment or a usage text does not count.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { get, list, nodesOf, parse, type Tree } from './tree.ts';

/** 'no' means: this source does not look for it. 'unknown': it cannot be read. */
export async function understandsOnce(
  source: Bytes,
  kind: InterpreterKind,
): Promise<'yes' | 'no' | 'unknown'> {
  const parsed = await parse(source, kind);
  if (parsed.is === 'unparsable') return 'unknown';
  const nodes = [...nodesOf(parsed.root)];
  return (kind === 'php' ? phpAsks(nodes) : nodeAsks(nodes)) ? 'yes' : 'no';
}

const SEARCHES =
  /^(?:in_array|array_search|strcmp|strpos|stripos|str_starts_with|str_contains|preg_match|array_key_exists)$/;

function phpAsks(nodes: readonly Tree[]): boolean {
  const calls = nodes.filter((node) => node['kind'] === 'call');
  // getopt's long options may be built somewhere else than in its own parentheses
  if (
    calls.some((call) => phpName(call) === 'getopt') &&
    nodes.some((node) => /^once:{0,2}$/.test(text(node)))
  ) {
    return true;
  }
  return nodes.some((node) => {
    switch (node['kind']) {
      case 'call':
        return (
          (SEARCHES.test(phpName(node)) && list(node, 'arguments').some(isFlag)) ||
          (get(node, 'what', 'offset', 'name') === 'addOption' && text(list(node, 'arguments')[0]) === 'once')
        );
      case 'new':
        return (
          /InputOption$/.test(String(get(node, 'what', 'name'))) &&
          text(list(node, 'arguments')[0]) === 'once'
        );
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
      default:
        return /\{--once\b/.test(text(node)); // a Laravel command's signature
    }
  });
}

function phpName(call: Tree): string {
  return get(call, 'what', 'kind') === 'name'
    ? String(get(call, 'what', 'name'))
        .replace(/^.*\\/, '')
        .toLowerCase()
    : '';
}

function nodeAsks(nodes: readonly Tree[]): boolean {
  const parsers = nodes.some((node) => /^(?:minimist|mri|yargs-parser)$/.test(text(node)));
  return nodes.some((node) => {
    switch (node['type']) {
      case 'CallExpression': {
        const name = String(get(node, 'callee', 'property', 'name') ?? get(node, 'callee', 'name'));
        const first = text(list(node, 'arguments')[0]);
        if (/^(?:includes|indexOf|has|startsWith|test)$/.test(name)) return first === '--once';
        // commander: option('-o, --once'); yargs: option('once'), boolean('once')
        if (/^(?:option|requiredOption|boolean)$/.test(name)) return /^once$|(?:^|[ ,|])--once\b/.test(first);
        return (
          name === 'parseArgs' &&
          [...nodesOf(node)].some((n) => n['type'] === 'Property' && keyOf(n) === 'once')
        );
      }
      case 'BinaryExpression':
        return /^[=!]==?$/.test(String(node['operator'])) && (isFlag(node['left']) || isFlag(node['right']));
      case 'SwitchCase':
        return isFlag(node['test']);
      case 'Property':
        return keyOf(node) === '--once';
      case 'MemberExpression':
        return isFlag(node['property']) || (parsers && get(node, 'property', 'name') === 'once');
      default:
        return false;
    }
  });
}

function keyOf(property: Tree): string {
  const name = get(property, 'key', 'name');
  return typeof name === 'string' ? name : text(property['key']);
}

function isFlag(node: unknown): boolean {
  return (
    text(node) === '--once' || (get(node, 'kind') === 'string' && /^.?(?:\^|\b)?--once\W*$/.test(text(node)))
  );
}

/** The value of a string literal of either language. */
function text(node: unknown): string {
  const literal = get(node, 'kind') === 'string' || get(node, 'type') === 'Literal';
  const value = literal ? get(node, 'value') : undefined;
  return typeof value === 'string' ? value : '';
}
