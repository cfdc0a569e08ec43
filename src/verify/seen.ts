// What the watch has seen of cron's runs: those of the new entry, and those of the old one.
import type { Latched } from '../change/plan.ts';
import type { ProcessRow, Server } from '../server/server.ts';
import type { Instance } from '../survey/instances.ts';
import { argvTells, type Forms, formOfInstance, formOfShell, logTells, startedBy } from './form.ts';

/** Grows from look to look. */
export interface Seen {
  /** Shells and instances that were there before the first tick. */
  readonly early: Set<string>;
  /** Those whose form has been asked. */
  readonly told: Set<string>;
  /** Runs that look like the entry as it is now, and as it was before, a line of evidence each. */
  readonly now: string[];
  readonly old: string[];
  last: 'now' | 'old' | 'none';
  /** A run of the old entry that read the script when the guard was in it: it has the lock, and may never end. */
  holder?: number;
}

/**
 * Notes which entry cron's new shells, and the instances started from them, are runs of. `before` the first tick under
 * our eyes: what is there then, and what it starts later, may have been due before the deploy.
 */
export async function tellForms(
  server: Server,
  { worker, forms, before }: { readonly worker: Latched; readonly forms: Forms; readonly before: boolean },
  seen: Seen,
  rows: readonly ProcessRow[],
  instances: readonly Instance[],
): Promise<void> {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const running = new Set(instances.map((one) => one.pid));
  const holders = instances.filter((one) => one.holds === true).map((one) => byPid.get(one.pid));
  const old = holders.find((row) => row !== undefined && formOfInstance(row.argv, forms, '') === 'old');
  if (old !== undefined) seen.holder = old.pid;
  const standIn = worker.from.is === 'file' ? server.self.pid : 'none';
  for (const row of rows) {
    if (row.uid !== worker.uid) continue;
    const shell = formOfShell(row, forms);
    if (shell === 'none' && !running.has(row.pid)) continue;
    if (before) seen.early.add(keyOf(row));
    // A shell that becomes its worker keeps its PID, and the worker may tell what the shell did not.
    const key = `${keyOf(row)}:${shell === 'none' ? 'worker' : 'shell'}`;
    if (seen.told.has(key) || isBelow(row, byPid, (at) => seen.early.has(keyOf(at)))) continue;
    // What a worker starts by itself says nothing about its entry.
    if (isBelow(row, byPid, (at) => at !== row && running.has(at.pid))) continue;
    seen.told.add(key);
    const form =
      shell === 'none' ? formOfInstance(row.argv, forms, await outputOf(server, row, forms)) : shell;
    const by = startedBy(row, byPid, standIn);
    if (form === 'unclear' || by === 'other' || (form === 'old' && by !== 'cron')) continue;
    seen[form].push(`PID ${row.pid}: ${row.argv.join(' ')}`);
    seen.last = form;
  }
}

function keyOf(row: Pick<ProcessRow, 'pid' | 'start'>): string {
  return `${row.pid}:${row.start}`;
}

/** Is the process, or one it descends from, such a one? */
function isBelow(
  row: ProcessRow,
  byPid: ReadonlyMap<number, ProcessRow>,
  such: (at: ProcessRow) => boolean,
): boolean {
  for (let at: ProcessRow | undefined = row, steps = 0; at !== undefined && steps < 20; steps++) {
    if (such(at)) return true;
    at = byPid.get(at.ppid);
  }
  return false;
}

async function outputOf(server: Server, row: ProcessRow, forms: Forms): Promise<string> {
  if (argvTells(forms) || !logTells(forms)) return '';
  const output = await server.processes.output(row.pid);
  return output === 'unseen' ? '' : output;
}
