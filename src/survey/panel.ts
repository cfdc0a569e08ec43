// What Plesk says of the server, asked once a survey in a handful of questions, however many sites there are.
import { readable } from '../change/encode.ts';
import type { Crontab } from '../crontab/crontab.ts';
import { differsFrom, type Listed } from '../plesk/listed.ts';
import { type Drift, type Line, type Pair, pairTasks } from '../plesk/match.ts';
import type { PhpHandler } from '../plesk/phpHandlers.ts';
import type { Site } from '../plesk/rows.ts';
import type { Task } from '../plesk/task.ts';
import type { Answer, Plesk } from '../server/panelPort.ts';
import type { Server } from '../server/server.ts';
import type { Finding, PleskFacts } from './facts.ts';
import { levels } from './rules/levels.ts';
import type { Tell } from './survey.ts';

type Gap = Extract<Answer<never>, { is: 'unanswered' }>;

/** The panel as one survey knows it. */
export interface Panel {
  readonly facts: Omit<PleskFacts, 'findings'>;
  readonly sites: readonly Site[];
  readonly handlers: readonly PhpHandler[];
  /** The user's tasks, each with its line in the crontab. */
  pairs(user: string, crontab: Crontab): readonly Pair[];
  /** The site a script of this user belongs to. */
  siteOf(user: string, script: string): Site | 'none';
  /** Tasks of users whose crontab was not among those that were read. */
  unread(users: ReadonlySet<string>): readonly Task[];
}

/** Most users whose tasks the scheduler is asked to list: that is a question for each. */
const mostLists = 3;

/**
 * Asks what a survey of these users' crontabs needs to know. Whatever is not answered is a gap that is told, never a
 * guess.
 */
export async function panelOf(
  server: Server,
  plesk: Plesk,
  tell: Tell,
  users: readonly string[],
): Promise<Panel> {
  if (!server.self.root) return closed;
  const gaps: Gap[] = [];
  const told = <T>(answer: Answer<T>, otherwise: T): T => {
    if (answer.is === 'answer') return answer.value;
    gaps.push(answer);
    return otherwise;
  };
  const asking = (what: string): void => tell({ code: 'asking', what });
  // One after the other: a panel under load is not to be asked four things at once.
  asking('version');
  const version = told<string>(await plesk.version(), 'unknown');
  asking('sites');
  const sites = told<readonly Site[]>(await plesk.sites(), []);
  asking('tasks');
  const tasks = told<readonly Task[]>(await plesk.tasks(), []);
  asking('handlers');
  const handlers = told<readonly PhpHandler[]>(await plesk.handlers(), []);
  const sitesOf = grouped(sites, (site) => site.login);
  const tasksOf = grouped(tasks, (task) => task.user);
  const few = users.filter((user) => tasksOf.has(user));
  const verbs =
    few.length > 0 && few.length <= mostLists && gaps.length === 0 ? await plesk.verbs() : undefined;
  const lists = new Map<string, ReadonlyMap<number, Listed>>();
  for (const user of verbs?.is === 'answer' && verbs.value.list ? few : []) {
    const subscription = sitesOf.get(user)?.find((site) => site.name === site.subscription);
    if (subscription === undefined) continue;
    asking('lists');
    const answer = await plesk.listed(subscription.name);
    const listed = new Map(told<readonly Listed[]>(answer, []).map((one) => [one.id, one]));
    const strange = [...listed.keys()].find((id) => !tasksOf.get(user)?.some((task) => task.id === id));
    if (answer.is === 'answer' && strange === undefined) lists.set(user, listed);
    // Whoever does not find it in the table reads the table wrong.
    if (strange !== undefined)
      gaps.push({
        is: 'unanswered',
        asked: 'plesk bin scheduler --list',
        why: 'garbage',
        said: `it lists task ${strange} of ${subscription.name}, which the table does not have`,
      });
  }
  return {
    facts: {
      ...{ is: 'asked', version, sites: sites.length, tasks: tasks.length, gaps },
      ...(verbs === undefined ? {} : { verbs }),
    },
    sites,
    handlers,
    pairs: (user, crontab) => {
      const own = tasksOf.get(user);
      if (own === undefined) return [];
      const listed = lists.get(user);
      return pairTasks(own, linesOf(crontab)).map((pair) =>
        listed === undefined ? pair : { ...pair, drift: [...pair.drift, ...listDrift(pair.task, listed)] },
      );
    },
    siteOf: (user, script) => {
      const own = sitesOf.get(user) ?? [];
      const [nearest] = own
        .filter((site) => script.startsWith(`${site.root}/`))
        .sort((a, b) => b.root.length - a.root.length);
      return nearest ?? own.find((site) => site.name === site.subscription) ?? own[0] ?? 'none';
    },
    unread: (users) => tasks.filter((task) => task.active && !users.has(task.user)),
  };
}

const closed: Panel = {
  facts: { is: 'closed', version: 'unknown', sites: 0, tasks: 0, gaps: [] },
  sites: [],
  handlers: [],
  pairs: () => [],
  siteOf: () => 'none',
  unread: () => [],
};

/** A task that is switched off may be left out of the list. */
function listDrift(task: Task, list: ReadonlyMap<number, Listed>): Drift[] {
  const listed = list.get(task.id);
  if (listed === undefined) return task.active ? [{ is: 'not-listed' }] : [];
  const other = differsFrom(task, listed);
  return other === 'none' ? [] : [{ is: 'listed', ...other }];
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const there = groups.get(keyOf(one));
    if (there === undefined) groups.set(keyOf(one), [one]);
    else there.push(one);
  }
  return groups;
}

function linesOf({ text, lines }: Crontab): Line[] {
  return lines.flatMap((line): Line[] => {
    if (line.is !== 'entry') return [];
    const schedule = text.slice(line.scheduleSpan.start, line.scheduleSpan.end);
    return [
      {
        line: line.number,
        schedule: schedule.split(/[ \t]+/).join(' '),
        raw: text.slice(line.commandSpan.start, line.commandSpan.end),
        text: line.command.text,
      },
    ];
  });
}

/** Where a task and its line have drifted apart, one finding for each way they have. */
export function driftFindings(source: string, { task, line, drift }: Pair): Finding[] {
  const place = line === 'none' ? 0 : line;
  return drift.map((one) => ({
    level: levels['task-drift'],
    code: 'task-drift',
    where: { source, line: place },
    args: {
      task: task.id,
      how: one.is,
      command: task.command,
      schedule: task.schedule,
      ...('panel' in one ? { panel: one.panel } : {}),
      ...('list' in one ? { list: one.list, field: one.field } : {}),
      ...('crontab' in one ? { crontab: readable(one.crontab) } : {}),
    },
  }));
}
