// Does a worker bring a lock of its own? Two locks are no harm, but the old one may be the kind that fails.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { get, list, nodesOf, parse, type Tree } from './tree.ts';

/**
 * 'flock': a kernel lock taken by hand. 'get-lock': the database's GET_LOCK(). 'pidfile': a file that says "running", which goes
 * stale. Where several are there, the strongest is named.
 */
export type OwnLock = 'flock' | 'get-lock' | 'pidfile' | 'none' | 'unknown';

/** Read from the syntax tree: a comment about locks is not a lock. */
export async function ownLock(source: Bytes, kind: InterpreterKind): Promise<OwnLock> {
  const parsed = await parse(source, kind);
  if (parsed.is === 'unparsable') return 'unknown';
  const nodes = [...nodesOf(parsed.root)];
  if (nodes.some(kind === 'php' ? phpFlock : nodeFlock)) return 'flock';
  if (nodes.some((node) => /\bGET_LOCK\s*\(/i.test(literal(node)))) return 'get-lock';
  return nodes.some(kind === 'php' ? phpPidFile : nodePidFile) ? 'pidfile' : 'none';
}

function phpFlock(node: Tree): boolean {
  return phpCall(node) === 'flock';
}

function phpPidFile(node: Tree): boolean {
  const name = phpCall(node);
  const args = list(node, 'arguments');
  if (name === 'posix_kill') return String(get(args[1], 'value')) === '0';
  const writes = name === 'file_put_contents' || name === 'fwrite' || name === 'fputs';
  return writes && [...nodesOf(args)].some((inside) => /^(?:getmypid|posix_getpid)$/.test(phpCall(inside)));
}

function phpCall(node: Tree): string {
  const named = node['kind'] === 'call' && get(node, 'what', 'kind') === 'name';
  return named
    ? String(get(node, 'what', 'name'))
        .replace(/^.*\\/, '')
        .toLowerCase()
    : '';
}

function nodeFlock(node: Tree): boolean {
  return /^(?:fs-ext|fs-native-extensions|os-lock)$/.test(required(node));
}

function nodePidFile(node: Tree): boolean {
  if (/^(?:proper-lockfile|lockfile|pidlock|npid)$/.test(required(node))) return true;
  if (node['type'] !== 'CallExpression') return false;
  const args = list(node, 'arguments');
  const name = String(get(node, 'callee', 'property', 'name') ?? get(node, 'callee', 'name'));
  if (name === 'kill')
    return get(args[1], 'value') === 0 && get(node, 'callee', 'object', 'name') === 'process';
  return /^(?:writeFile|writeFileSync)$/.test(name) && [...nodesOf(args)].some(isOwnPid);
}

function isOwnPid(node: Tree): boolean {
  return get(node, 'object', 'name') === 'process' && get(node, 'property', 'name') === 'pid';
}

/** The package an import or require() names. */
function required(node: Tree): string {
  if (/^Import(?:Declaration|Expression)$/.test(String(node['type'])))
    return String(get(node, 'source', 'value'));
  const isRequire = node['type'] === 'CallExpression' && get(node, 'callee', 'name') === 'require';
  return isRequire ? String(get(list(node, 'arguments')[0], 'value')) : '';
}

/** The text of a string literal, whole or a piece of one with variables in it. */
function literal(node: Tree): string {
  if (node['type'] === 'TemplateElement') return String(get(node, 'value', 'raw'));
  const isText = node['kind'] === 'string' || node['type'] === 'Literal' || node['kind'] === 'nowdoc';
  return isText && typeof node['value'] === 'string' ? node['value'] : '';
}
