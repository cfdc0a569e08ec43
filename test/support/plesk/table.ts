// Every combination of layout, kind of task, shell, place of PHP and way of the change, with what is to become of it.
import { expect } from 'vitest';
import type { PanelTask } from './panel.ts';
import { byHand, layouts, phpPlaces, type Scene, type ShellKind, shells } from './scene.ts';

const types = ['exec', 'php', 'http'] as const;
const ways = ['scheduler', 'crontab'] as const;

export type Outcome =
  | 'task changed'
  | 'task becomes php'
  | 'line changed'
  | 'refused: chroot'
  | 'refused: http';

/** What is to become of each. The layout and the place of PHP change the paths, never the way. */
function wanted(type: (typeof types)[number], shell: ShellKind, way: (typeof ways)[number]): Outcome {
  if (type === 'http') return 'refused: http';
  if (type === 'exec' && shell === 'chrooted')
    return way === 'scheduler' ? 'task becomes php' : 'refused: chroot';
  return way === 'scheduler' ? 'task changed' : 'line changed';
}

export const rows = layouts.flatMap((layout) =>
  types.flatMap((type) =>
    shells.flatMap((shell) =>
      phpPlaces.flatMap((php) =>
        ways.map((way) => ({ layout, type, shell, php, way, outcome: wanted(type, shell, way) })),
      ),
    ),
  ),
);
export type Row = (typeof rows)[number];

/** Both stores, and whether a scan tells drift. */
export interface Standing {
  readonly crontab: string;
  readonly tasks: readonly PanelTask[];
  readonly script: string;
}

/** How a refusal ends, and what it says. */
export const refusals: Partial<Record<Outcome, { exit: number; says: string }>> = {
  'refused: chroot': { exit: 5, says: 'chrooted-task' },
  'refused: http': { exit: 2, says: 'Fetch a URL' },
};

/** The entry that starts the worker, and SHELL in force for it. */
function entryOf(crontab: string): { line: string; shell: string } {
  const lines = crontab.split('\n');
  const at = lines.findIndex((line) => line.includes('process_import_jobs.php'));
  const shell = lines.slice(0, at).findLast((line) => line.startsWith('SHELL='));
  return { line: lines[at] ?? '', shell: shell ?? '' };
}

/** Looks at what a deploy has left. */
export function judge(scene: Scene, before: Standing, now: Standing, drift: boolean, outcome: Outcome): void {
  const { line, shell } = entryOf(now.crontab);
  const [task] = now.tasks;
  if (task === undefined) throw new Error('the task is gone');
  switch (outcome) {
    case 'task changed':
      expect(drift).toBe(false);
      expect(task.type).toBe(before.tasks[0]?.type);
      expect(`${task.command} ${task.args}`).toContain('--once');
      if (task.type === 'exec') {
        expect(task.command).toContain(`${scene.php} ${scene.path}`);
        expect(line.endsWith(`\t${task.command}`)).toBe(true);
      } else expect(line).toContain(`(${scene.php} -f '${task.command}' -- '--once')`);
      break;
    case 'task becomes php':
      expect(drift).toBe(false);
      expect(task).toMatchObject({ type: 'php', args: '--once', command: scene.path });
      expect(line).toContain(scene.php);
      expect(shell).toBe('SHELL="/bin/sh"');
      break;
    case 'line changed':
      expect(now.tasks).toEqual(before.tasks);
      expect(line).toContain('--once');
      expect(line).toContain(scene.php);
      // Plesk goes on showing the old one, and that is said.
      expect(drift).toBe(true);
      break;
    default:
      expect(now).toEqual(before);
  }
  if (outcome.startsWith('refused')) return;
  // Settings said twice, tabs, two blanks, parentheses: every line but the worker's is as it was, to the byte.
  const others = (text: string): string[] =>
    text.split('\n').filter((one) => !one.includes('process_import_jobs.php'));
  const moved = outcome === 'task becomes php' ? [shell] : [];
  expect(others(now.crontab).toSorted()).toEqual([...others(before.crontab), ...moved].toSorted());
  expect(now.script).toContain('cronlatch-guard.php');
  expect(now.crontab).toContain(byHand);
  expect(now.crontab).toContain('(tar  -czf  b.tgz httpdocs)  > /dev/null');
}
