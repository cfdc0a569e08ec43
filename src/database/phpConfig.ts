// Credentials in a PHP configuration, read from its syntax tree. Nothing of it is run; what only running would tell is not known.
import { get, list, nodesOf, type Tree, text } from '../worker/tree.ts';
import { type Credentials, credentialsOf, fromUrl, type Parts } from './credentials.ts';

type Values = Map<string, string>;

/**
 * Credentials in a config.php, wp-config.php, configuration.php, env.php, config/database.php … `variables` are those
 * that getenv(), env() and $_ENV would find.
 */
export function fromPhpConfig(root: Tree, variables: ReadonlyMap<string, string>): Credentials | 'none' {
  const value = (node: unknown): string | undefined => valueIn(node, variables);
  const flat: Values = new Map();
  const groups: Values[] = [];
  for (const node of nodesOf(root)) {
    switch (node['kind']) {
      case 'call': {
        if (nameOf(get(node, 'what')) === 'define') {
          const [name, given] = list(node, 'arguments');
          put(flat, text(name), value(given));
        }
        break;
      }
      case 'constant':
      case 'classconstant':
      case 'property':
        put(flat, nameOf(get(node, 'name')), value(get(node, 'value')));
        break;
      case 'assign': {
        const path = pathOf(get(node, 'left'));
        if (path.length > 0) put(flat, path.slice(-2).join('_'), value(get(node, 'right')));
        break;
      }
      case 'array':
        groups.push(valuesOf(node, value));
        break;
      case 'new': {
        const made = newConnection(node, value);
        if (made !== 'none') return made;
        break;
      }
    }
  }
  const found = partsOf(flat, true);
  if (found !== 'none') return found;
  for (const group of groups) {
    const inGroup = partsOf(group, false);
    if (inGroup !== 'none') return inGroup;
  }
  return partsOf(flat, false);
}

function put(into: Values, name: string, value: string | undefined): void {
  if (name !== '' && value !== undefined) into.set(name.toLowerCase(), value);
}

function nameOf(node: unknown): string {
  const name = typeof node === 'string' ? node : get(node, 'name');
  return typeof name === 'string' ? name.replace(/^\\/, '') : '';
}

/** $config['db']['host'] → config, db, host; $this->host and $cfg->db too. */
function pathOf(node: unknown): string[] {
  switch (get(node, 'kind')) {
    case 'variable':
      return [nameOf(node)];
    case 'offsetlookup':
      return [...pathOf(get(node, 'what')), text(get(node, 'offset'))];
    case 'propertylookup':
      return [...pathOf(get(node, 'what')), nameOf(get(node, 'offset'))];
    default:
      return [];
  }
}

function valuesOf(node: Tree, value: (node: unknown) => string | undefined): Values {
  const found: Values = new Map();
  for (const item of list(node, 'items')) put(found, text(get(item, 'key')), value(get(item, 'value')));
  return found;
}

/** A literal, a number, or the default of something that looks up a variable. */
function valueIn(node: unknown, variables: ReadonlyMap<string, string>): string | undefined {
  const value = (inner: unknown): string | undefined => valueIn(inner, variables);
  switch (get(node, 'kind')) {
    case 'string':
      return text(node);
    case 'number':
      return String(get(node, 'value'));
    case 'call': {
      const [name, otherwise] = list(node, 'arguments');
      const called = nameOf(get(node, 'what')).replace(/^.*\\/, '');
      if (!['getenv', 'env', 'getenv_docker'].includes(called)) return undefined;
      return variables.get(text(name)) ?? value(otherwise);
    }
    case 'offsetlookup':
      return /^_(?:ENV|SERVER)$/.test(nameOf(get(node, 'what')))
        ? variables.get(text(get(node, 'offset')))
        : undefined;
    case 'retif':
      return value(get(node, 'trueExpr') ?? get(node, 'test')) ?? value(get(node, 'falseExpr'));
    case 'bin':
      return get(node, 'type') === '??' ? (value(get(node, 'left')) ?? value(get(node, 'right'))) : undefined;
    default:
      return undefined;
  }
}

const endings: Readonly<Record<Exclude<keyof Parts, 'tls' | 'ca'>, RegExp>> = {
  host: /^(?:host(?:name)?|server|servername)$/,
  user: /^(?:user(?:name)?|login|uid)$/,
  password: /^(?:pass(?:word|wd)?|pwd|pw)$/,
  database: /^(?:name|db(?:name)?|database|base|schema)$/,
  port: /^port$/,
  socket: /^(?:unix_?)?socket$/,
};

/** Values by their names. `prefixed`: only names that speak of a database (DB_HOST, $dbUser), not any $user. */
function partsOf(values: Values, prefixed: boolean): Credentials | 'none' {
  const parts: Record<string, string> = {};
  for (const [name, value] of values) {
    const spoken = /^(?:.*_)?(?:db|database|mysqli?|mariadb|sql)_?(?=.)/.exec(name);
    if (prefixed && spoken === null) continue;
    const last = spoken === null ? name : name.slice(spoken[0].length);
    for (const [part, shape] of Object.entries(endings)) {
      if (shape.test(last) && parts[part] === undefined) parts[part] = value;
    }
    if (last === 'url') {
      const url = fromUrl(value);
      if (typeof url === 'object') return url;
    }
  }
  if (
    !prefixed &&
    'driver' in Object.fromEntries(values) &&
    !/mysql|mariadb/i.test(values.get('driver') ?? '')
  )
    return 'none';
  // A user alone is anybody's: a form's, a mail account's.
  if (parts['password'] === undefined || (parts['host'] ?? parts['socket']) === undefined) return 'none';
  return credentialsOf(parts);
}

/** new PDO('mysql:…', user, password) and new mysqli(host, user, password, database, port, socket). */
function newConnection(node: Tree, value: (node: unknown) => string | undefined): Credentials | 'none' {
  const name = nameOf(get(node, 'what')).toLowerCase();
  const [a, b, c, d, e, f] = list(node, 'arguments').map(value);
  if (name === 'mysqli')
    return credentialsOf({ host: a, user: b, password: c, database: d, port: e, socket: f });
  if (name !== 'pdo' || !a?.startsWith('mysql:')) return 'none';
  const dsn = new Map(
    a
      .slice('mysql:'.length)
      .split(';')
      .map((part): [string, string] => [part.split('=')[0]?.trim() ?? '', part.slice(part.indexOf('=') + 1)]),
  );
  return credentialsOf({
    user: b,
    password: c,
    host: dsn.get('host'),
    port: dsn.get('port'),
    database: dsn.get('dbname'),
    socket: dsn.get('unix_socket'),
  });
}
