// PHP and Node on a command line: by which names they go, and which of their words is the script.
import type { Bytes } from '../crontab/crontab.ts';
import type { InterpreterKind } from './command.ts';

// ea-php84, php8.2, php84, php-cli, php8.2-cli, php-cgi8.2, lsphp; not php-fpm, phpize, phpdbg, php-config.
const PHP = /^(?:(?:ea|alt)-|ls)?php(?:[-.]?c[lg]i)?(?:-?[0-9][0-9.]{0,7})?(?:[-.]?c[lg]i)?$/;
const NODE = /^node(?:js)?(?:-?v?[0-9][0-9.]{0,11})?$/;

/** Which interpreter a program of this name is, by the names packages, panels and hosters give it. */
export function interpreterKind(basename: string): InterpreterKind | 'none' {
  if (basename.includes('php')) return PHP.test(basename) ? 'php' : 'none';
  return basename.startsWith('node') && NODE.test(basename) ? 'node' : 'none';
}

/** Which interpreter a script's ending asks for when the script itself is the command. */
export function kindOfScript(path: Bytes): InterpreterKind | 'none' {
  if (path.endsWith('.php') || path.endsWith('.phar')) return 'php';
  return path.endsWith('.js') || path.endsWith('.mjs') || path.endsWith('.cjs') ? 'node' : 'none';
}

/** How an interpreter's words divide. Numbers are indices of words; the interpreter's own word is not counted. */
export type InterpreterReading =
  | {
      readonly is: 'script';
      readonly script: number;
      /** Letters of the script's word that belong to a glued option: 2 in `-fworker.php`. */
      readonly glue: number;
      /** The interpreter's own option words. */
      readonly flags: readonly number[];
      /** The first argument of the script; they run to the end. */
      readonly args: number;
      /** The script is the value of `-f`; `dashes` is the `--` PHP takes for itself. */
      readonly fileOption?: { readonly dashes?: number };
    }
  /** Code on the line or from standard input. */
  | { readonly is: 'inline'; readonly at: number }
  /** Runs no script: a version, a syntax check, a prompt. */
  | { readonly is: 'nothing'; readonly at: number }
  /** An option not in the table. */
  | { readonly is: 'unknown'; readonly at: number }
  /** A word that must be known and is not. */
  | { readonly is: 'open'; readonly at: number };

/** Divides the words behind an interpreter. `undefined` is a word whose value is not known. */
export function readInterpreter(
  kind: InterpreterKind,
  words: readonly (string | undefined)[],
): InterpreterReading {
  return kind === 'php' ? readPhp(words) : readNode(words);
}

type Effect = 'plain' | 'value' | 'file' | 'inline' | 'nothing';

const PHP_SHORT: Readonly<Record<string, Effect>> = {
  C: 'plain',
  H: 'plain',
  e: 'plain',
  n: 'plain',
  q: 'plain',
  c: 'value',
  d: 'value',
  t: 'value',
  z: 'value',
  f: 'file',
  B: 'inline',
  E: 'inline',
  F: 'inline',
  R: 'inline',
  r: 'inline',
  S: 'nothing',
  a: 'nothing',
  h: 'nothing',
  i: 'nothing',
  l: 'nothing',
  m: 'nothing',
  s: 'nothing',
  v: 'nothing',
  w: 'nothing',
  '?': 'nothing',
};

const PHP_LONG = new Map<string, Effect>([
  ...['no-chdir', 'hide-args', 'profile-info', 'no-php-ini', 'no-header'].map((n) => [n, 'plain'] as const),
  ...['php-ini', 'define', 'docroot', 'zend-extension'].map((n) => [n, 'value'] as const),
  ['file', 'file'],
  ...['process-begin', 'process-end', 'process-file', 'process-code', 'run'].map(
    (n) => [n, 'inline'] as const,
  ),
  ...['server', 'interactive', 'help', 'info', 'syntax-check', 'modules', 'syntax-highlight', 'strip'].map(
    (n) => [n, 'nothing'] as const,
  ),
  ...['syntax-highlighting', 'usage', 'version', 'ini', 'rf', 'rfunction', 'rc', 'rclass', 're'].map(
    (n) => [n, 'nothing'] as const,
  ),
  ...['rextension', 'rz', 'rzendextension', 'ri', 'rextinfo'].map((n) => [n, 'nothing'] as const),
]);

interface PhpOption {
  readonly effect: Effect | undefined;
  /** Where the value starts in the word; absent when it is the next word. */
  readonly valueAt?: number;
}

/** PHP lets short options stand together (`-nq`), glue a value on, and put a `=` before it. */
function phpOption(word: string): PhpOption {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const effect = PHP_LONG.get(word.slice(2, equals < 0 ? undefined : equals));
    return equals < 0 ? { effect } : { effect, valueAt: equals + 1 };
  }
  for (let at = 1; at < word.length; at++) {
    const effect = PHP_SHORT[word.charAt(at)];
    if (effect === 'plain') continue;
    if (at + 1 === word.length) return { effect };
    return { effect, valueAt: word[at + 1] === '=' ? at + 2 : at + 1 };
  }
  return { effect: 'plain' };
}

function readPhp(words: readonly (string | undefined)[]): InterpreterReading {
  const flags: number[] = [];
  let file: { readonly at: number; readonly glue: number } | undefined;
  let dashes: number | undefined;
  let at = 0;
  while (at < words.length) {
    const word = words[at];
    if (word === undefined) return { is: 'open', at };
    if (word === '-') return { is: 'inline', at };
    if (!word.startsWith('-')) break;
    if (word === '--') {
      flags.push(at);
      dashes = at++;
      break;
    }
    const { effect, valueAt } = phpOption(word);
    if (effect === undefined) return { is: 'unknown', at };
    if (effect === 'inline' || effect === 'nothing') return { is: effect, at };
    flags.push(at);
    if (effect === 'file') {
      if (file !== undefined) return { is: 'unknown', at };
      file = valueAt === undefined ? { at: at + 1, glue: 0 } : { at, glue: valueAt };
    } else if (effect === 'value' && valueAt === undefined) flags.push(at + 1);
    if (effect !== 'plain' && valueAt === undefined) {
      at++;
      if (at >= words.length) return { is: 'unknown', at: at - 1 };
      if (words[at] === undefined) return { is: 'open', at };
    }
    at++;
  }
  if (file !== undefined) {
    const fileOption = dashes === undefined ? {} : { dashes };
    return { is: 'script', script: file.at, glue: file.glue, flags, args: at, fileOption };
  }
  // `php -- words` reads the code from standard input.
  if (dashes !== undefined) return { is: 'inline', at: dashes };
  if (at >= words.length) return { is: 'nothing', at };
  return { is: 'script', script: at, glue: 0, flags, args: at + 1 };
}

// Node's options that take the next word when no `=` stands in them. V8's own options never do.
const NODE_VALUED = new Set(
  `-r --require --import --loader --experimental-loader -C --conditions --env-file --env-file-if-exists
  --build-snapshot-config --cpu-prof-dir --cpu-prof-interval --cpu-prof-name --diagnostic-dir
  --disable-proto --disable-warning --dns-result-order --experimental-default-type --experimental-sea-config
  --es-module-specifier-resolution --experimental-specifier-resolution --heap-prof-dir --heap-prof-interval
  --heap-prof-name --heapsnapshot-near-heap-limit --heapsnapshot-signal --icu-data-dir --input-type
  --inspect-port --debug-port --inspect-publish-uid --localstorage-file --max-http-header-size
  --network-family-autoselection-attempt-timeout --openssl-config --policy-integrity --experimental-policy
  --redirect-warnings --report-dir --report-directory --report-filename --report-signal --secure-heap
  --secure-heap-min --snapshot-blob --title --tls-cipher-list --tls-keylog --trace-event-categories
  --trace-event-file-pattern --trace-require-module --unhandled-rejections --use-largepages --v8-pool-size
  --watch-path --allow-fs-read --allow-fs-write`.split(/\s+/),
);
const NODE_INLINE = new Set(['-e', '--eval', '-p', '--print', '-pe']);
const NODE_NOTHING = new Set(
  `-c --check -h --help -i --interactive -v --version --v8-options --test --run --prof-process --completion-bash
  --build-snapshot`.split(/\s+/),
);

function readNode(words: readonly (string | undefined)[]): InterpreterReading {
  const flags: number[] = [];
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) return { is: 'open', at };
    if (word === '-') return { is: 'inline', at };
    if (!word.startsWith('-')) break;
    flags.push(at);
    if (word === '--') {
      at++;
      break;
    }
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    // Node reads `_` in a long option as `-`.
    const option = name.startsWith('--') ? name.replaceAll('_', '-') : name;
    if (NODE_INLINE.has(option)) return { is: 'inline', at };
    if (NODE_NOTHING.has(option)) return { is: 'nothing', at };
    if (equals < 0 && NODE_VALUED.has(option)) {
      flags.push(++at);
      if (at >= words.length) return { is: 'unknown', at: at - 1 };
      if (words[at] === undefined) return { is: 'open', at };
    }
  }
  if (at >= words.length) return { is: 'nothing', at };
  if (words[at] === undefined) return { is: 'open', at };
  if (words[at] === 'inspect' || words[at] === 'debug') return { is: 'nothing', at };
  return { is: 'script', script: at, glue: 0, flags, args: at + 1 };
}
