// One entry as a survey sees it: what is around it, how its command reads, and whether a worker stands there.
import { dirname, join } from 'node:path/posix';
import { bytesOf, readable } from '../change/encode.ts';
import type { Command, Known, Reading } from '../command/command.ts';
import { readCommand } from '../command/read.ts';
import { outletOf } from '../command/redirects.ts';
import { syntaxOf } from '../command/syntax.ts';
import type { Crontab, EntryLine } from '../crontab/crontab.ts';
import { isChrootShell, outsideOf } from '../plesk/chroot.ts';
import { innerOf } from '../plesk/line.ts';
import type { Pair } from '../plesk/match.ts';
import type { CrontabSource, Person } from '../server/server.ts';
import { type EntryFacts, type Finding, sourceName, type TaskFacts } from './facts.ts';
import { entryFindings } from './findings.ts';
import { eyesFor, isLive, isThereBelow, type Runs, sightJob } from './job.ts';
import type { Look, Sight } from './look.ts';
import { programOf, type Surroundings, surroundings } from './view.ts';

const debianPath = '/usr/bin:/bin';

/** An entry whose worker, if it has one, is looked at closely when those of all crontabs are seen. */
export interface SeenEntry extends Omit<EntryFacts, 'job' | 'findings'> {
  readonly sight: Sight | 'none';
  /** Asks the rules about its text. */
  readonly judge: () => readonly Finding[];
}

/** What is the same for all entries of one user below the same settings. */
export interface Around {
  readonly who: string | number;
  readonly settings: ReadonlyMap<string, string>;
  readonly person: Person | 'unknown';
  readonly user: string;
  readonly shell: string;
  /** HOME as bytes. */
  readonly home: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly readings: Map<string, Reading>;
  /** Users that commands switch to, as far as they were asked for. */
  readonly people: Map<string, Known | 'unknown'>;
  /** The crontab is this machine's. */
  readonly live: boolean;
  readonly place: Surroundings;
}

/** Finds it out. */
export async function aroundEntry(
  look: Look,
  source: CrontabSource,
  settings: ReadonlyMap<string, string>,
  who: string | number,
): Promise<Around> {
  const person = await look.server.people.find(who);
  const user = person === 'unknown' ? String(who) : person.name;
  const home = settings.get('HOME') ?? (person === 'unknown' ? '' : bytesOf(person.home));
  const shell = settings.get('SHELL') ?? '/bin/sh';
  const variables = new Map<string, string>([
    ...(look.vhosts === 'none' ? [] : [['HTTPD_VHOSTS_D', bytesOf(look.vhosts)] as const]),
    ...settings,
    ['SHELL', shell],
    ['PATH', settings.get('PATH') ?? debianPath],
    ['LOGNAME', bytesOf(user)],
    ...(home === '' ? [] : [['HOME', home] as const]),
    ...(look.dialect === 'cronie' ? [['USER', bytesOf(user)] as const] : []),
  ]);
  const place = await surroundings(look, shell, settings, isLive(source) && person !== 'unknown', {
    path: readable(variables.get('PATH') ?? debianPath),
    home: readable(home),
    eyes: person === 'unknown' ? look.server.self.owner : eyesFor(look, person),
  });
  const readings = readingsWith(JSON.stringify([shell, home, [...variables]]));
  const live = isLive(source);
  return { who, settings, person, user, shell, home, variables, readings, people: new Map(), live, place };
}

/** Reads the entry, and looks at the script of its worker. */
export async function lookAtEntry(
  look: Look,
  source: CrontabSource,
  crontab: Crontab,
  entry: EntryLine,
  around: Around,
  pair?: Pair,
): Promise<SeenEntry> {
  const { person, user, shell, home, place } = around;
  const { text } = entry.command;
  if (isChrootShell(shell) && home.startsWith('/') && person !== 'unknown')
    return lookInside(look, source, crontab, entry, around, pair);
  let from = home;
  let reading = knownReading(text, around, home) ?? (await readWith(look, text, around, home));
  if (reading.is === 'worker' && person !== 'unknown' && isRelative(reading, home)) {
    // "example.com/httpdocs/x.php" as people copy it: right as seen from the directory above HOME.
    if (await misplaced(look, reading, home, person)) {
      from = dirname(home);
      reading = knownReading(text, around, from) ?? (await readWith(look, text, around, from));
    }
  }
  const task = taskOf(pair, text, around, from);
  let sight: Sight | 'none' = 'none';
  if (reading.is === 'worker' && person !== 'unknown') {
    const runs = isEntrys(reading)
      ? theEntrys(person, place.around.home)
      : await whoRuns(look, reading, person, place.around.home);
    const { path } = place.around;
    const of =
      task.task === undefined ? { source, crontab, entry, path } : { source, crontab, entry, path, ...task };
    sight = await sightJob(look, of, reading, runs);
  }
  const program = place.live ? await programOf(look, text, reading, place.around) : 'fine';
  // Put together when somebody asks: a deploy asks about a few entries of thousands.
  const judge = () =>
    entryFindings(sourceName(source), {
      source,
      crontab,
      dialect: place.view.dialect,
      entry,
      reading,
      shell,
      dash: place.view.dash,
      person,
      user,
      isSet: place.view.isSet,
      program,
      syntax: () => syntaxOf(text),
      ...task,
    });
  const seen = { entry, line: entry.number, user, reading, sight, judge };
  return task.task === undefined ? seen : { ...seen, ...task };
}

/**
 * A command of Plesk's chroot shell, which is a bash whose / is the user's home. It is read for what it starts there, and
 * never written: no path of the host exists for it.
 */
async function lookInside(
  look: Look,
  source: CrontabSource,
  crontab: Crontab,
  entry: EntryLine,
  around: Around,
  pair: Pair | undefined,
): Promise<SeenEntry> {
  const { person, user, shell, home, place, variables, people } = around;
  const { text } = entry.command;
  const inside = new Map([...variables, ['HOME', '/'] as const]);
  // What Plesk has written around the task's own text is its shell's business; the offsets stay those of the line.
  const own = pair?.task.type === 'exec' ? innerOf(text) : text;
  const read = readCommand(`${' '.repeat(Math.max(0, text.indexOf(own)))}${own}`, {
    shell: '/bin/bash',
    home: '/',
    variables: inside,
    people,
  });
  // Who else the command might become is not known in there.
  const reading: Reading =
    read.is === 'worker' && !read.involved && isEntrys(read)
      ? { ...read, directory: outsideOf(home, read.directory), scriptPath: outsideOf(home, read.scriptPath) }
      : read.is === 'worker'
        ? { is: 'opaque', why: 'nested-shell', detail: shell, span: read.span }
        : read;
  const task = taskOf(pair, text, around, home);
  const sight =
    reading.is === 'worker' && person !== 'unknown'
      ? await sightJob(
          look,
          { source, crontab, entry, chroot: place.around.home, path: place.around.path, ...task },
          reading,
          theEntrys(person, place.around.home),
        )
      : ('none' as const);
  const program = 'fine' as const;
  const view = { ...place.view, source, crontab, entry, reading, shell, person, user, program, ...task };
  const judge = () => entryFindings(sourceName(source), { ...view, syntax: () => syntaxOf(text) });
  return { entry, line: entry.number, user, reading, sight, judge, ...task };
}

/** The task of an entry, its own text read where Plesk has written something around it. */
function taskOf(
  pair: Pair | undefined,
  text: string,
  { shell, variables, people }: Around,
  home: string,
): { readonly task?: TaskFacts } {
  if (pair === undefined) return {};
  const { task, drift } = pair;
  const own = innerOf(text);
  if (task.type !== 'exec' || own === text) return { task: { task, drift } };
  const command = readCommand(own, { shell, home, variables, people });
  return { task: { task, drift, ...(command.is === 'worker' ? { inner: { text: own, command } } : {}) } };
}

/** A deploy surveys the same crontab several times. What a text says by itself is worked out once a run. */
const known = new Map<string, Map<string, Reading>>();

function readingsWith(surroundings: string): Map<string, Reading> {
  const readings = known.get(surroundings) ?? new Map<string, Reading>();
  known.set(surroundings, readings);
  return readings;
}

/** Nearly every text is read without a question, and waiting for an answer has its price, thousands of times. */
function knownReading(text: string, around: Around, home: string): Reading | undefined {
  const { shell, variables, people, readings } = around;
  const key = home === around.home ? text : `${home}\n${text}`;
  const before = readings.get(key);
  if (before !== undefined) return before;
  const reading = readCommand(text, { shell, home, variables, people });
  if (needed(reading, people) !== undefined) return undefined;
  // What depends on users, in whatever way, is asked anew.
  if (people.size === 0) readings.set(key, reading);
  return reading;
}

/** Reads the command, looking up the users it switches to as it asks for them. */
async function readWith(look: Look, text: string, around: Around, home: string): Promise<Reading> {
  const { shell, variables, people } = around;
  for (;;) {
    const reading = readCommand(text, { shell, home, variables, people });
    const name = needed(reading, people);
    if (name === undefined) return reading;
    const person = await look.server.people.find(readable(name));
    people.set(name, knownAs(person, around.live));
  }
}

/** On another machine a user may exist, and may have a shell, whatever is the case here. */
function knownAs(person: Person | 'unknown', live: boolean): Known | 'unknown' {
  if (person === 'unknown') return live ? person : { shell: '/bin/sh' };
  const shell = live || !/\/(?:nologin|false)$/.test(person.shell) ? person.shell : '/bin/sh';
  return { home: bytesOf(person.home), shell: bytesOf(shell) };
}

/** The user the reading asks for and nobody has looked up yet. */
function needed(reading: Reading, people: ReadonlyMap<string, unknown>): string | undefined {
  if (reading.is !== 'opaque' || reading.needs === undefined) return undefined;
  return people.has(reading.needs) ? undefined : reading.needs;
}

const isEntrys = (command: Command) => command.user === undefined && outletOf(command).user === undefined;

const theEntrys = (person: Person, home: string): Runs => ({
  person,
  opener: person,
  stranger: false,
  home,
  openersHome: home,
});

/** The user the worker runs as and the one who opens its log; mostly both are the entry's. */
async function whoRuns(look: Look, command: Command, entrys: Person, home: string): Promise<Runs> {
  const find = async (name: string | undefined): Promise<Person> => {
    if (name === undefined) return entrys;
    const found = await look.server.people.find(readable(name));
    return found === 'unknown' ? { ...entrys, name: readable(name), home: '' } : found;
  };
  const person = await find(command.user);
  const opener = await find(outletOf(command).user);
  return {
    person,
    opener,
    stranger: person !== entrys && person.home === '',
    home: person === entrys ? home : person.home,
    openersHome: opener === entrys ? home : opener.home,
  };
}

/** Is the script named from HOME, and could it be meant from the directory above? */
function isRelative(command: Command, home: string): boolean {
  if (command.user !== undefined) return false;
  return command.cd === undefined && !command.script.value.startsWith('/') && home !== '' && home !== '/';
}

async function misplaced(look: Look, command: Command, home: string, person: Person): Promise<boolean> {
  const eyes = eyesFor(look, person);
  const there = (path: string) => isThereBelow(look, path, eyes);
  if ((await there(readable(command.scriptPath))) !== false) return false;
  return (await there(join(readable(dirname(home)), readable(command.script.value)))) === true;
}
