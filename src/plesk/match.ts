// Tasks and crontab entries of one user, paired: which line is which task's, and where the two stores have drifted apart.
import { bytesOf } from '../change/encode.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { carries, innerOf, phpLineOf, urlsIn, versionsOf } from './line.ts';
import type { Task } from './task.ts';

/** An entry as it stands in the crontab. */
export interface Line {
  readonly line: number;
  /** The five fields, one blank between them. */
  readonly schedule: string;
  /** Its command as written, and as cron hands it on. */
  readonly raw: Bytes;
  readonly text: Bytes;
}

export type Drift =
  /** The panel shows a task that runs, and the crontab has no line for it. */
  | { readonly is: 'no-line' }
  /** Switched off in the panel, and cron runs it all the same. */
  | { readonly is: 'runs-though-off' }
  | { readonly is: 'schedule'; readonly panel: string; readonly crontab: string }
  | { readonly is: 'command'; readonly panel: string }
  /** The scheduler lists it otherwise than the panel's table has it, or not at all. */
  | { readonly is: 'listed'; readonly field: string; readonly list: string; readonly panel: string }
  | { readonly is: 'not-listed' }
  | { readonly is: 'php'; readonly panel: string; readonly crontab: string };

export interface Pair {
  readonly task: Task;
  readonly line: number | 'none';
  readonly drift: readonly Drift[];
}

/** How well a line has to fit: the first that finds one decides. */
const ways = ['whole', 'text', 'script'] as const;

/** Pairs the tasks of one user with the entries of his crontab. Each line is one task's at most. */
export function pairTasks(tasks: readonly Task[], lines: readonly Line[]): Pair[] {
  const taken = new Set<number>();
  const pairs = new Map<Task, Line>();
  for (const way of ways) {
    const index = indexOf(lines, way);
    for (const task of tasks) {
      if (pairs.has(task)) continue;
      const fits = keysOf(task, way).flatMap((key) => index.get(key) ?? []);
      const free = fits.filter((line) => !taken.has(line.line) && (way === 'script' || isTasks(line, task)));
      // By its script alone a line may be anybody's: only a single one is taken for the task's.
      const [line] = free;
      if (line === undefined || (way === 'script' && new Set(free).size > 1)) continue;
      taken.add(line.line);
      pairs.set(task, line);
    }
  }
  return tasks.map((task) => {
    const line = pairs.get(task);
    return { task, line: line?.line ?? 'none', drift: driftOf(task, line) };
  });
}

function isTasks(line: Line, task: Task): boolean {
  return carries(line.raw, task) || carries(line.text, task);
}

function driftOf(task: Task, line: Line | undefined): Drift[] {
  if (line === undefined) return task.active ? [{ is: 'no-line' }] : [];
  const found: Drift[] = [];
  if (!task.active) found.push({ is: 'runs-though-off' });
  if (line.schedule !== task.schedule)
    found.push({ is: 'schedule', panel: task.schedule, crontab: line.schedule });
  if (!isTasks(line, task)) found.push({ is: 'command', panel: panelText(task) });
  const versions = versionsOf(line.text, task);
  if (versions !== 'none' && versions.line !== versions.task)
    found.push({ is: 'php', panel: versions.task, crontab: versions.line });
  return found;
}

/** What the panel shows for a task. */
function panelText({ command, args }: Pick<Task, 'command' | 'args'>): string {
  return args === '' ? command : `${command} ${args}`;
}

function indexOf(lines: readonly Line[], way: (typeof ways)[number]): Map<string, Line[]> {
  const index = new Map<string, Line[]>();
  for (const line of lines) {
    for (const key of new Set(lineKeys(line, way))) {
      const there = index.get(key);
      if (there === undefined) index.set(key, [line]);
      else there.push(line);
    }
  }
  return index;
}

/** Keys are by what both sides must have in common; whether the line is really the task's is asked of each. */
function lineKeys(line: Line, way: (typeof ways)[number]): string[] {
  const php = phpLineOf(line.text);
  const texts = [line.raw.trim(), line.text.trim(), innerOf(line.raw), innerOf(line.text)];
  const keys =
    way === 'script'
      ? scriptsIn(line.text)
      : [...texts, ...(php === undefined ? [] : [php.script]), ...urlsIn(line.text)];
  return way === 'text' ? keys : keys.map((key) => `${line.schedule}\n${key}`);
}

function keysOf(task: Task, way: (typeof ways)[number]): string[] {
  const command = bytesOf(task.command).trim();
  const keys = way === 'script' ? scriptsIn(command) : [command];
  return way === 'text' ? keys : keys.map((key) => `${task.schedule}\n${key}`);
}

/** File names of the scripts a text names. */
function scriptsIn(text: Bytes): Bytes[] {
  return [...text.matchAll(/([^\s/'"]+\.(?:php|phar|[cm]?js))(?=[\s'")]|$)/g)].map(([, name]) => name ?? '');
}
