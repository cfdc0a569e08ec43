// What is wrong with a lock that a script brings along: the faults of hand-written ones, each known to let two instances run,
// or none at all (docs/guard.md). Read from the syntax tree; a lock that is kept well has none.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { get, list, nodesOf, parse, type Tree, text } from './tree.ts';

export type LockFault =
  | 'unlinked' // the lock file is deleted: the next run locks another file
  | 'truncated' // opened with 'w': the loser wipes what the holder wrote
  | 'waits' // without LOCK_NB: runs queue up instead of leaving
  | 'unused-result' // nobody asks whether the lock was had
  | 'local-handle' // closed, and the lock lost, when the function returns
  | 'inherited' // a program the worker starts keeps the lock after its death
  | 'eperm-as-dead' // another user's live process is taken for a dead one
  | 'pid-only' // a number in a file: stale after a crash, misleading when it is given to another
  | 'in-tmp' // anybody may put a file there first, and cleaners delete it
  | 'expires' // a lock with a time: it ends while the job goes on, or outlives it
  | 'unseen-by-flock'; // a kind of lock that flock() does not see

/** Every fault that shows, in the order above. */
export async function lockFaults(source: Bytes, kind: InterpreterKind): Promise<readonly LockFault[]> {
  const parsed = await parse(source, kind);
  if (parsed.is === 'unparsable') return [];
  const nodes = [...nodesOf(parsed.root)];
  const found = new Set(kind === 'php' ? phpFaults(nodes) : nodeFaults(nodes));
  return order.filter((fault) => found.has(fault));
}

const order: readonly LockFault[] = [
  'unlinked',
  'truncated',
  'waits',
  'unused-result',
  'local-handle',
  'inherited',
  'eperm-as-dead',
  'pid-only',
  'in-tmp',
  'expires',
  'unseen-by-flock',
];

function* phpFaults(nodes: readonly Tree[]): Generator<LockFault> {
  const calls = nodes.filter((node) => node['kind'] === 'call');
  const named = (name: RegExp): Tree[] => calls.filter((call) => name.test(phpName(call)));
  const takes = named(/^flock$/).filter((call) => speaksOf(argument(call, 1), /^(?:LOCK_EX|2|6)$/));
  const probes = named(/^posix_kill$/).filter((call) => String(get(argument(call, 1), 'value')) === '0');
  if (probes.length > 0 && named(/^posix_(?:get_last_error|errno)$/).length === 0) yield 'eperm-as-dead';
  if (takes.length === 0) {
    const writesPid = named(/^(?:file_put_contents|fwrite|fputs)$/).some((call) =>
      [...nodesOf(call['arguments'])].some((inside) => /^(?:getmypid|posix_getpid)$/.test(phpName(inside))),
    );
    if (probes.length > 0 || writesPid) yield 'pid-only';
    return;
  }
  const handles = new Set(takes.map((call) => keyOf(argument(call, 0))));
  const opens = nodes.filter(
    (node) => node['kind'] === 'assign' && handles.has(keyOf(node['left'])) && opened(node) !== undefined,
  );
  const files = new Set(opens.map((node) => keyOf(argument(opened(node), 0))).filter((key) => key !== ''));
  const isLock = (node: unknown): boolean =>
    files.has(keyOf(node)) || /\.lock$|lock_?file/i.test(keyOf(node));
  if (named(/^unlink$/).some((call) => isLock(argument(call, 0)))) yield 'unlinked';
  if (opens.some((node) => /^w/.test(text(argument(opened(node), 1))))) yield 'truncated';
  if (takes.some((call) => !speaksOf(argument(call, 1), /^(?:LOCK_NB|4|6)$/))) yield 'waits';
  const thrown = nodes.flatMap((node) =>
    node['kind'] === 'expressionstatement' ? [bare(node['expression'])] : [],
  );
  if (takes.some((call) => thrown.includes(call))) yield 'unused-result';
  if (nodes.some((node) => isLostIn(node, takes))) yield 'local-handle';
  const inherits = opens.some((node) => !text(argument(opened(node), 1)).includes('e'));
  const starts = named(/^(?:exec|shell_exec|system|passthru|popen|proc_open|pcntl_exec)$/).length > 0;
  if (
    inherits &&
    (starts ||
      nodes.some(
        (node) => node['kind'] === 'shell' || (node['kind'] === 'encapsed' && node['type'] === 'shell'),
      ))
  )
    yield 'inherited';
  const inTmp = [...nodesOf(opens), ...assignedTo(nodes, files)].some(
    (node) => /^\/(?:var\/)?tmp\//.test(text(node)) || phpName(node) === 'sys_get_temp_dir',
  );
  if (inTmp) yield 'in-tmp';
}

/** The fopen() that an assignment takes its value from. */
function opened(assign: Tree): Tree | undefined {
  return [...nodesOf(assign['right'])].find((node) => phpName(node) === 'fopen');
}

function* assignedTo(nodes: readonly Tree[], keys: ReadonlySet<string>): Generator<Tree> {
  for (const node of nodes)
    if (node['kind'] === 'assign' && keys.has(keyOf(node['left']))) yield* nodesOf(node['right']);
}

/**
 * A function that takes the lock, then tells its caller, and keeps the handle in a variable of its own: closed on return. One
 * that works until its end, hands the handle out or stores it, keeps the lock.
 */
function isLostIn(node: Tree, takes: readonly Tree[]): boolean {
  if (!/^(?:function|method|closure)$/.test(String(node['kind']))) return false;
  const inside = [...nodesOf(node['body'])];
  const own = takes.filter((call) => inside.includes(call) && get(argument(call, 0), 'kind') === 'variable');
  return own.some((call) => {
    const key = keyOf(argument(call, 0));
    const kept = inside.some(
      (n) =>
        (n['kind'] === 'assign' && keyOf(n['right']) === key) ||
        (/^(?:global|static)$/.test(String(n['kind'])) && [...nodesOf(n)].some((v) => keyOf(v) === key)) ||
        (n['kind'] === 'return' &&
          [...nodesOf(n['expr'])].some((v) => keyOf(v) === key && v['kind'] === 'variable') &&
          !isCallOn(n['expr'])) ||
        (n['kind'] === 'closure' && list(n, 'uses').some((v) => keyOf(v) === key)),
    );
    const given = list(node, 'arguments').some((p) => `$${String(get(p, 'name', 'name'))}` === key);
    return !kept && !given && inside.some((n) => n['kind'] === 'return' && n['expr'] !== null);
  });
}

/** `return flock($fp, …)` gives the answer away, not the handle. */
function isCallOn(node: unknown): boolean {
  return get(node, 'kind') === 'call' && phpName(node as Tree) === 'flock';
}

function argument(call: Tree | undefined, at: number): unknown {
  return list(call, 'arguments')[at];
}

/** Is this constant or number a part of the expression? */
function speaksOf(node: unknown, wanted: RegExp): boolean {
  return [...nodesOf(node)].some((n) =>
    wanted.test(n['kind'] === 'number' ? String(n['value']) : String(n['name']).replace(/^\\/, '')),
  );
}

/** What a statement does, without `@`. */
function bare(node: unknown): unknown {
  return get(node, 'kind') === 'silent' ? get(node, 'expr') : node;
}

/** A name for `$x`, `$this->x`, `self::$x`, `X` and 'text', the same for the same thing; '' for anything else. */
function keyOf(node: unknown): string {
  switch (get(node, 'kind')) {
    case 'variable':
      return `$${String(get(node, 'name'))}`;
    case 'propertylookup':
    case 'staticlookup':
      return `${keyOf(get(node, 'what'))}->${String(get(node, 'offset', 'name'))}`;
    case 'name':
    case 'selfreference':
      return String(get(node, 'name') ?? 'self');
    case 'bin': // __DIR__ . '/worker.lock'
      return text(get(node, 'right'));
    default:
      return text(node);
  }
}

function phpName(node: Tree): string {
  const named = node['kind'] === 'call' && get(node, 'what', 'kind') === 'name';
  return named
    ? String(get(node, 'what', 'name'))
        .replace(/^.*\\/, '')
        .toLowerCase()
    : '';
}

function* nodeFaults(nodes: readonly Tree[]): Generator<LockFault> {
  const packages = new Set(nodes.map(packageOf));
  if (packages.has('proper-lockfile') || packages.has('lockfile')) yield 'expires';
  if (packages.has('fs-native-extensions')) yield 'unseen-by-flock';
  const calls = nodes.filter((node) => node['type'] === 'CallExpression');
  const probes = calls.filter(
    (call) =>
      get(call, 'callee', 'property', 'name') === 'kill' &&
      get(call, 'callee', 'object', 'name') === 'process' &&
      get(argument(call, 1), 'value') === 0,
  );
  const knowsErrno = nodes.some((node) => /^E(?:PERM|SRCH)$/.test(text(node)));
  if (probes.length > 0 && !knowsErrno) yield 'eperm-as-dead';
  const writesPid = calls.some(
    (call) =>
      /^(?:writeFile|writeFileSync)$/.test(
        String(get(call, 'callee', 'property', 'name') ?? get(call, 'callee', 'name')),
      ) &&
      [...nodesOf(call['arguments'])].some(
        (n) => get(n, 'object', 'name') === 'process' && get(n, 'property', 'name') === 'pid',
      ),
  );
  const kernel = ['fs-ext', 'fs-native-extensions', 'os-lock'].some((name) => packages.has(name));
  if ((probes.length > 0 || writesPid || packages.has('pidlock') || packages.has('npid')) && !kernel)
    yield 'pid-only';
}

/** The package an import or require() names. */
function packageOf(node: Tree): string {
  if (/^Import(?:Declaration|Expression)$/.test(String(node['type']))) return text(node['source']);
  const required = node['type'] === 'CallExpression' && get(node, 'callee', 'name') === 'require';
  return required ? text(argument(node, 0)) : '';
}
