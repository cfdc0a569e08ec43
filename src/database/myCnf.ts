// Option files of MariaDB and MySQL: groups, quotes, comments and includes, as my_print_defaults reads them.
import { type Credentials, credentialsOf } from './credentials.ts';

export type MyCnfLine =
  | { readonly is: 'option'; readonly group: string; readonly name: string; readonly value: string }
  | { readonly is: 'include' | 'includedir'; readonly path: string };

/** Lines that mean something, in order. */
export function readMyCnf(text: string): MyCnfLine[] {
  const found: MyCnfLine[] = [];
  let group = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const include = /^!(include|includedir)\s+(.+)$/.exec(line);
    if (include) {
      found.push({ is: include[1] as 'include' | 'includedir', path: (include[2] ?? '').trim() });
      continue;
    }
    const head = /^\[([^\]]*)\]/.exec(line);
    if (head) {
      group = (head[1] ?? '').trim();
      continue;
    }
    const plain = withoutComment(line);
    const equals = plain.indexOf('=');
    const name = (equals === -1 ? plain : plain.slice(0, equals)).trim().replaceAll('_', '-');
    const value = equals === -1 ? '' : unquoted(plain.slice(equals + 1).trim());
    found.push({ is: 'option', group, name, value });
  }
  return found;
}

/** A # inside quotes is part of the value. */
function withoutComment(line: string): string {
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? '';
    if (c === '\\') i++;
    else if (quote !== '') quote = c === quote ? '' : quote;
    else if (c === '"' || c === "'") quote = c;
    else if (c === '#') return line.slice(0, i).trimEnd();
  }
  return line;
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  s: ' ',
  '"': '"',
  "'": "'",
  '\\': '\\',
};

function unquoted(value: string): string {
  const first = value[0] ?? '';
  const inner =
    value.length >= 2 && (first === '"' || first === "'") && value.endsWith(first)
      ? value.slice(1, -1)
      : value;
  return inner.replace(/\\(.)/g, (whole, c: string) => escapes[c] ?? whole);
}

const groups = ['client', 'client-server', 'client-mariadb', 'mysql', 'mariadb-client'];

/** What a client would take from these lines: its own groups, the last word wins. */
export function clientOptions(lines: readonly MyCnfLine[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines)
    if (line.is === 'option' && groups.includes(line.group)) found.set(line.name, line.value);
  return found;
}

/** Credentials in such options; `user` is who a client would be without one. */
export function fromMyCnf(options: ReadonlyMap<string, string>): Credentials | 'none' {
  const verify = options.has('ssl-verify-server-cert') && options.get('ssl-verify-server-cert') !== '0';
  return credentialsOf({
    user: options.get('user'),
    password: options.get('password'),
    database: options.get('database'),
    host: options.get('host'),
    port: options.get('port'),
    socket: options.get('socket'),
    ca: options.get('ssl-ca'),
    tls: verify ? 'verify' : options.has('ssl-ca') || options.has('ssl') ? 'on' : undefined,
  });
}
