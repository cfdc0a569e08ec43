// A Plesk to test against: its database, the crontabs it writes, and the answers of the program `plesk`.
//
// What its answers look like, by the names of src/plesk/known.ts. A recording from a real server may take the place of any:
//   confirmed  product-version info-labels list-lines db-rows db-sites db-tasks task-types handler-ids php-line scheduler-verbs list-rows
//   assumed    batch-escapes active-values handler-keys exec-line php-arguments inactive-line help-names-verbs
//              update-writes-line update-keeps-rest http-line task-login list-fields update-arguments kind-leaves-nothing php-task-shell chroot-line home-is-webspace program-place
// `flipped` turns one assumed fact round; `fails` breaks an answer.

import type { FactName } from '../../../src/plesk/known.ts';
import { oneTaskQuery, siteQuery, someTasksQuery, taskQuery } from '../../../src/plesk/rows.ts';
import { crontabOf, rewritten } from './written.ts';

export interface PanelSite {
  id: number;
  name: string;
  /** 0 is a main domain. */
  webspace: number;
  root: string;
  handler: string;
  login: string;
  home: string;
  shell: string;
}

export interface PanelTask {
  id: number;
  user: string;
  active: boolean;
  type: 'exec' | 'php' | 'http';
  handler: string;
  command: string;
  args: string;
  description: string;
  notify: 'ignore' | 'errors';
  fields: readonly [string, string, string, string, string];
}

export type Verb =
  | 'version'
  | 'sites'
  | 'tasks'
  | 'task'
  | 'columns'
  | 'handlers'
  | 'info'
  | 'help'
  | 'list'
  | 'update';

export interface PanelState {
  version: string;
  sites: PanelSite[];
  tasks: PanelTask[];
  handlers: { id: string; clipath: string; fullVersion: string; status: string }[];
  /** Shell of exec tasks, by user; /bin/sh where none is named. */
  shells: Record<string, string>;
  /** The crontabs, by user. */
  crontabs: Record<string, string>;
  flipped: FactName[];
  /** Verbs of the scheduler that this release has. */
  verbs: ('create' | 'update' | 'list' | 'run' | 'delete')[];
  fails: Partial<Record<Verb, 'garbage' | 'slow' | 'exit'>>;
  /** Command lines so far. */
  calls: string[][];
}

export interface Said {
  code: number | 'timeout';
  stdout: string;
  stderr: string;
}

/** An empty panel. */
export function emptyPanel(): PanelState {
  return {
    ...{ version: 'Plesk Obsidian 18.0.80.3', sites: [], tasks: [], shells: {}, crontabs: {} },
    ...{ handlers: [], flipped: [], fails: {}, calls: [] },
    verbs: ['create', 'update', 'list', 'run', 'delete'],
  };
}

/** What `plesk WORDS` prints. May change the state, as the real one does on --update. */
export function answer(state: PanelState, words: readonly string[]): Said {
  state.calls.push([...words]);
  const verb = verbOf(state, words);
  const fails = verb === 'unknown' ? undefined : state.fails[verb];
  if (fails === 'slow') return { code: 'timeout', stdout: '', stderr: '' };
  if (fails === 'exit') return { code: 1, stdout: '', stderr: 'ERROR: the database is not there\n' };
  if (fails === 'garbage') return ok('<html><body>502 Bad Gateway</body></html>\n');
  const sql = words.at(-1) ?? '';
  switch (verb) {
    case 'version':
      return ok(`Product version: ${state.version}\nBuild date: 2026/10/01 10:00\n`);
    case 'sites':
      return ok(state.sites.map((site) => siteRow(state, site)).join(''));
    case 'tasks':
    case 'task': {
      const id = Number(/ WHERE t\.id=(\d+)$/.exec(sql)?.[1] ?? 0);
      const user = userIn(sql);
      const rows = state.tasks.filter(
        (t) => (id === 0 || t.id === id) && (user === undefined || t.user === user),
      );
      return ok(rows.map((task) => taskRow(state, task)).join(''));
    }
    case 'columns':
      return ok('id\tint(10) unsigned\tNO\tPRI\tNULL\tauto_increment\n');
    case 'handlers':
      return ok(JSON.stringify(state.handlers.map((handler) => handlerRow(state, handler))));
    case 'info':
      return info(state, words.at(-1) ?? '');
    case 'help':
      return ok(
        is(state, 'help-names-verbs')
          ? 'Usage: scheduler <command> [options]\nSee the documentation.\n'
          : `Usage: plesk bin scheduler <command> [<id>] [<options>]\n\nAvailable commands:\n${state.verbs.map((v) => `    --${v} or -${v[0]}   What it does to a task\n`).join('')}`,
      );
    case 'list':
      return list(state, words);
    case 'update':
      return update(state, words);
    default:
      return { code: 1, stdout: '', stderr: `ERROR: Unknown command: ${words.join(' ')}\n` };
  }
}

/** Which question this is. */
export function verbOf(state: PanelState, words: readonly string[]): Verb | 'unknown' {
  const [first, second, third] = words;
  const sql = words.at(-1) ?? '';
  if (first === 'version') return 'version';
  // Whoever writes to the database has an answer of this stand-in that no test expects.
  if (first === 'db') {
    if (sql === siteQuery) return 'sites';
    const id = Number(/ WHERE t\.id=(\d+)$/.exec(sql)?.[1] ?? 0);
    if (/^SHOW COLUMNS FROM (?:ScheduledTasks|sys_users)$/.test(sql)) return 'columns';
    const user = userIn(sql);
    if (sql === taskQuery || (user !== undefined && sql === someTasksQuery(user))) return 'tasks';
    return sql === oneTaskQuery(id) ? 'task' : 'unknown';
  }
  if (first !== 'bin') return 'unknown';
  if (second === 'php_handler') return 'handlers';
  if (second === 'scheduler') {
    if (third === '--help') return 'help';
    const verb = (['list', 'update'] as const).find((one) => third === `--${one}`);
    return verb !== undefined && state.verbs.includes(verb) ? verb : 'unknown';
  }
  return ['site', 'domain', 'subscription'].includes(second ?? '') ? 'info' : 'unknown';
}

/** Whose tasks a query is about, where it is about some. */
function userIn(sql: string): string | undefined {
  return /='([\w.-]+)' LIMIT 20$/.exec(sql)?.[1];
}

const ok = (stdout: string): Said => ({ code: 0, stdout, stderr: '' });
const is = (state: PanelState, fact: FactName): boolean => state.flipped.includes(fact);

// assumed: batch-escapes
function column(state: PanelState, value: string): string {
  if (is(state, 'batch-escapes')) return value;
  return value.replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n');
}

// confirmed: db-rows, db-sites; assumed: home-is-webspace
function siteRow(state: PanelState, site: PanelSite): string {
  const home = is(state, 'home-is-webspace') ? `/srv/homes/${site.login}` : site.home;
  const { id, name, webspace, root, handler, login, shell } = site;
  return `${[id, name, webspace, root, handler, login, home, shell].map((v) => column(state, String(v))).join('\t')}\n`;
}

// confirmed: db-tasks; assumed: active-values, task-login
function taskRow(state: PanelState, task: PanelTask): string {
  const active = is(state, 'active-values') ? (task.active ? 'yes' : 'no') : task.active ? '1' : '0';
  const { id, user, type, handler, command, args, description, notify, fields } = task;
  const handlerOrNull = handler === '' ? 'NULL' : handler;
  const login = is(state, 'task-login') ? 'NULL' : user;
  return `${[id, login, active, type, handlerOrNull, command, args, description, notify, ...fields].map((v) => column(state, String(v))).join('\t')}\n`;
}

// confirmed: handler-ids; assumed: handler-keys
function handlerRow(
  state: PanelState,
  { id, clipath, fullVersion, status }: PanelState['handlers'][number],
): object {
  return is(state, 'handler-keys') ? { id, status } : { id, status, fullVersion, type: 'fpm', clipath };
}

// confirmed: info-labels, list-lines
function info(state: PanelState, name: string): Said {
  if (name === '--list') return ok(state.sites.map((site) => `${site.name}\n`).join(''));
  const site = state.sites.find((one) => one.name === name);
  if (site === undefined)
    return { code: 1, stdout: '', stderr: `Subscription with name '${name}' does not exist.\n` };
  return ok(`General
=============================
Domain name:                            ${site.name}
Owner's contact name:                   Site Owner (owner)
Domain status:                          OK
FTP Login:                              ${site.login}
SSH access to the server shell under subscription's system user:  ${site.shell}
Logrotation info
=============================
--WWW-Root--: ${site.root}

SUCCESS: Gathering information for '${site.name}' complete
`);
}

// confirmed: list-rows; assumed: list-fields
function list(state: PanelState, words: readonly string[]): Said {
  const name = words[words.indexOf('-subscription') + 1];
  const login = state.sites.find((site) => site.name === name)?.login;
  if (login === undefined)
    return { code: 1, stdout: '', stderr: `Subscription with name '${name}' does not exist.\n` };
  const rows = state.tasks.filter((task) => task.user === login);
  return ok(
    JSON.stringify(
      rows.map(({ id, active, type, command, args, description, notify, fields }) => {
        const [minute, hour, dayOfMonth, month, dayOfWeek] = fields;
        if (is(state, 'list-fields'))
          return { id, title: description, what: command, state: active ? 'on' : 'off' };
        const when = { minute, hour, dayOfMonth, month, dayOfWeek };
        return { id, isActive: active, type, command, arguments: args, description, notify, ...when };
      }),
    ),
  );
}

// confirmed: scheduler-verbs, scheduler-length, scheduler-php; assumed: update-arguments, update-writes-line, update-keeps-rest, kind-leaves-nothing
function update(state: PanelState, words: readonly string[]): Said {
  const [, , , id, ...rest] = words;
  const task = state.tasks.find((one) => one.id === Number(id));
  if (task === undefined) return { code: 1, stdout: '', stderr: `Task with ID ${id} does not exist.\n` };
  const before = { ...task };
  if (is(state, 'update-keeps-rest')) Object.assign(task, { notify: 'errors', description: '' });
  for (let at = 0; at < rest.length; at += 2) {
    const value = rest[at + 1];
    if (value === undefined) return { code: 1, stdout: '', stderr: 'ERROR: a value is missing\n' };
    switch (rest[at]) {
      case '-command':
        if (is(state, 'scheduler-length') && value.length > 80)
          return taken(task, before, 'ERROR: the command is too long');
        task.command = value;
        break;
      case '-active':
        task.active = value === 'true';
        break;
      case '-schedule':
        task.fields = value.split(' ') as unknown as PanelTask['fields'];
        break;
      case '-notify':
        task.notify = value as PanelTask['notify'];
        break;
      case '-description':
        task.description = value;
        break;
      case '-type':
        task.type = value as PanelTask['type'];
        break;
      case '-php':
        if (is(state, 'scheduler-php')) return taken(task, before, `There is no PHP handler '${value}'`);
        task.handler = state.handlers.find((one) => one.fullVersion === value)?.id ?? '';
        break;
      case '-arguments':
        if (is(state, 'update-arguments')) return taken(task, before, "Unrecognized option: '-arguments'");
        task.args = value;
        break;
      default:
        return { code: 1, stdout: '', stderr: `Unrecognized option: '${rest[at]}'\n` };
    }
  }
  if (task.type !== 'php' && before.type === 'php' && !is(state, 'kind-leaves-nothing')) task.handler = '';
  const text = state.crontabs[task.user] ?? '';
  state.crontabs[task.user] = is(state, 'update-writes-line')
    ? crontabOf(state, task.user)
    : rewritten(state, text, before, task);
  return ok('SUCCESS: Update of the task complete.\n');
}

/** A refusal: the task is as it was. */
function taken(task: PanelTask, before: PanelTask, stderr: string): Said {
  Object.assign(task, before);
  return { code: 1, stdout: '', stderr: `${stderr}\n` };
}
