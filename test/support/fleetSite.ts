// What stands on a host of the fleet: a site with a lock-less worker, its crontab, and the inventory that names it.
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fleet, Host } from './fleet.ts';

/** In the crontab and in the script: what may be in no output. */
export const secrets = {
  command: 'Canary-command-4c1d',
  setting: 'Canary-setting-4c1d',
  script: 'Canary-script-4c1d',
  database: 'Canary-database-4c1d',
};

/** Puts the site on a host. What the crontab is to be read by, and where everything lies, is in the host's variables. */
export function site(host: Host): void {
  for (const part of ['site', 'lock', 'log']) mkdirSync(join(host.directory, part), { mode: 0o750 });
  writeFileSync(
    join(host.directory, 'site/worker.mjs'),
    `import { argv } from 'node:process';
const password = '${secrets.script}';
if (!argv.includes('--once')) setInterval(() => {}, 1000, password);
`,
    { mode: 0o640 },
  );
  writeFileSync(
    join(host.directory, 'crontab'),
    `# of ${host.name}\nAPI_TOKEN="${secrets.setting}"\n*/2 * * * * cd ${host.home}/site && DB_PASSWORD=${secrets.command} ${process.execPath} worker.mjs  \n@daily true\n`,
    { mode: 0o640 },
  );
}

/** The host's variables: everything of it lies in its own directory. */
function variables({ home, address, port }: Host): Record<string, unknown> {
  return {
    ansible_host: address,
    ansible_port: port,
    ansible_user: 'root',
    ansible_python_interpreter: '/usr/bin/python3',
    cronlatch_files: [`${home}/crontab`],
    cronlatch_all: true,
    cronlatch_lock_dir: `${home}/lock`,
    cronlatch_log: `${home}/log/worker.log`,
    cronlatch_state_dir: `${home}/state`,
    cronlatch_program: `${home}/program/cronlatch.cjs`,
    cronlatch_command: `${home}/program/cronlatch`,
  };
}

/** An inventory as JSON, which YAML is: the hosts named, in that order. */
export function inventory(
  fleet: Fleet,
  names: readonly string[],
  more: Record<string, unknown> = {},
): string {
  const hosts = names.map((name) => {
    const host = fleet.hosts.find((one) => one.name === name);
    if (host !== undefined) return [name, variables(host)];
    // Nobody listens there.
    const [any] = fleet.hosts as [Host];
    return [name, { ...variables(any), ansible_port: 1 }];
  });
  return JSON.stringify({ cronlatch: { hosts: Object.fromEntries(hosts), vars: more } });
}

export interface Entry {
  readonly mode: number;
  readonly owner: string;
  /** Nanoseconds; of files only, since a directory's goes with what is made in it. */
  readonly mtime?: string;
  readonly is: string;
}

/** Everything on a host, to the byte, with modes, owners and times. */
export function snapshot(host: Host, but: readonly string[] = []): Record<string, Entry> {
  const seen: Record<string, Entry> = {};
  for (const name of readdirSync(host.directory, { recursive: true, encoding: 'utf8' }).sort()) {
    if (but.some((part) => name === part || name.startsWith(`${part}/`))) continue;
    const path = join(host.directory, name);
    const stat = lstatSync(path, { bigint: true });
    seen[name] = {
      mode: Number(stat.mode),
      owner: `${stat.uid}:${stat.gid}`,
      ...(stat.isFile() ? { mtime: String(stat.mtimeNs) } : {}),
      is: stat.isFile() ? sha256(path) : stat.isSymbolicLink() ? readlinkSync(path) : 'directory',
    };
  }
  return seen;
}

export const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
export const read = (host: Host, name: string): string => readFileSync(join(host.directory, name), 'utf8');

export interface TaskResult {
  readonly changed?: boolean;
  readonly failed?: boolean;
  readonly skipped?: boolean;
  readonly unreachable?: boolean;
  readonly msg?: unknown;
  readonly checks?: readonly { readonly check: string; readonly is: string }[];
  readonly diff?: readonly {
    readonly before: string;
    readonly after: string;
    readonly before_header: string;
  }[];
  readonly [key: string]: unknown;
}

export interface Told {
  readonly stats: Record<
    string,
    {
      readonly changed: number;
      readonly failures: number;
      readonly unreachable: number;
      readonly rescued: number;
    }
  >;
  /** Of each task that ran: its name and what became of it on each host. */
  readonly tasks: readonly { readonly name: string; readonly hosts: Record<string, TaskResult> }[];
}

/** What fleetCallback.py has told. Warnings of Ansible's may stand before it. */
export function toldIn(stdout: string): Told {
  const told = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Told;
  return {
    ...told,
    tasks: told.tasks.map((task) => ({ ...task, name: task.name.replace(/^.* : /, '') })),
  };
}
