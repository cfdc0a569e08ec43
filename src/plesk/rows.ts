// Rows of `plesk db -B -N`: sites and tasks, each by a query of its own (facts: db-rows, db-sites, db-tasks, batch-escapes).
import { garbage, inShort, type Read, read } from './answer.ts';
import { isDomain, isName } from './info.ts';
import { isActive, isType, type Task } from './task.ts';

export interface Site {
  readonly name: string;
  /** The document root as Plesk has it. */
  readonly root: string;
  readonly handler: string;
  readonly login: string;
  readonly home: string;
  readonly shell: string;
  /** The subscription it belongs to: its own name for a main domain. */
  readonly subscription: string;
}

/** Reads only: no statement of ours changes anything in Plesk's database. */
export const siteQuery =
  "SELECT d.id, d.name, d.webspace_id, h.www_root, h.php_handler_id, s.login, s.home, s.shell FROM domains d JOIN hosting h ON h.dom_id=d.id JOIN sys_users s ON s.id=h.sys_user_id WHERE d.htype='vrt_hst'";

const taskColumns =
  't.id, COALESCE(s.login, t.sysUserLogin), t.isActive, t.type, t.phpHandlerId, t.command, t.arguments, t.description, t.notify, t.minute, t.hour, t.dayOfMonth, t.month, t.dayOfWeek';

/** Whose a task is may be said by a number or by a name (fact: task-login). */
export const taskQuery = `SELECT ${taskColumns} FROM ScheduledTasks t LEFT JOIN sys_users s ON s.id=t.sysUserId`;

/** The same for the tasks of one user, some of them. The name has been looked at: nothing in it ends the string. */
export function someTasksQuery(user: string): string {
  return `${taskQuery} WHERE COALESCE(s.login, t.sysUserLogin)='${user}' LIMIT 20`;
}

/** The same for one task. */
export function oneTaskQuery(id: number): string {
  return `${taskQuery} WHERE t.id=${Math.trunc(id)}`;
}

/** The columns of each row, as they were before the client wrote them down. Any other number of columns is no answer. */
export function readRows(text: string, columns: number): Read<string[][]> {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const rows: string[][] = [];
  for (const line of lines) {
    const parts = line.split('\t');
    if (parts.length !== columns)
      return garbage(`a row of ${parts.length} columns where ${columns} were asked for: ${inShort(line)}`);
    rows.push(parts.map(unescaped));
  }
  return read(rows);
}

function unescaped(column: string): string {
  return column.replace(/\\([\s\S])/g, (_, c: string) =>
    c === 't' ? '\t' : c === 'n' ? '\n' : c === '0' ? '\0' : c,
  );
}

/** Sites with the subscription each belongs to. */
export function readSites(text: string): Read<Site[]> {
  const rows = readRows(text, 8);
  if (rows.is === 'garbage') return rows;
  const names = new Map(rows.value.map(([id = '', name = '']) => [id, name]));
  const sites: Site[] = [];
  for (const row of rows.value) {
    const [, name = '', webspace = '', root = '', handler = '', login = '', home = '', shell = ''] = row;
    if (!isDomain(name)) return garbage(`this is no domain name: ${inShort(name)}`);
    if (!isName(login)) return garbage(`this is no system user: ${inShort(login)}`);
    if (!root.startsWith('/')) return garbage(`the document root of ${name} is no path: ${inShort(root)}`);
    if (!/^\d+$/.test(webspace)) return garbage(`the webspace of ${name} is no number: ${inShort(webspace)}`);
    const subscription = webspace === '0' ? name : (names.get(webspace) ?? name);
    sites.push({ name, root, handler, login, home, shell, subscription });
  }
  return read(sites);
}

/** Tasks, whoever they are of. */
export function readTasks(text: string): Read<Task[]> {
  const rows = readRows(text, 14);
  if (rows.is === 'garbage') return rows;
  const tasks: Task[] = [];
  for (const row of rows.value) {
    const [id = '', user = '', active = '', type = '', handler = '', command = '', args = ''] = row;
    const [, , , , , , , description = '', notify = '', ...fields] = row;
    const runs = isActive(active);
    const login = nullAs(user, '');
    if (!/^\d+$/.test(id)) return garbage(`the number of a task is none: ${inShort(id)}`);
    if (login === '') return garbage(`whose task ${id} is is not said`);
    if (!isType(type)) return garbage(`a task of the unknown type ${inShort(type)}`);
    if (runs === 'unknown') return garbage(`whether task ${id} is active is not said: ${inShort(active)}`);
    tasks.push({
      id: Number(id),
      user: login,
      active: runs,
      type,
      handler: nullAs(handler, ''),
      command,
      args: nullAs(args, ''),
      description: nullAs(description, ''),
      notify: nullAs(notify, ''),
      schedule: fields.join(' '),
    });
  }
  return read(tasks);
}

/** mysql prints the word NULL, also for a text of that kind: nothing here depends on the difference. */
function nullAs(value: string, instead: string): string {
  return value === 'NULL' ? instead : value;
}
