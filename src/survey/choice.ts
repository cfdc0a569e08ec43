// Which PHP or Node a worker is to run with, where its entry does not say, or names one that is not there.

import { versionOfHandler } from '../plesk/phpHandlers.ts';
import { isPanels, nodePlaces, phpPlaces, shelves } from '../plesk/places.ts';
import type { InterpreterChoice, InterpreterFacts } from './facts.ts';
import { demandOn } from './interpreter.ts';
import { type Look, once, realScript, type Sight } from './look.ts';
import { isClosed } from './peek.ts';
import { versionOfPath } from './version.ts';

/**
 * What the entry names by its full path and what was asked for stays. A bare name becomes the PHP Plesk has the site run
 * with; a path that leads nowhere the same version in the place where it is.
 */
export async function chosenInterpreter(
  look: Look,
  sight: Sight,
  own: InterpreterFacts,
): Promise<InterpreterFacts> {
  const chosen = await choose(look, sight, own);
  if (chosen.path !== 'missing' || typeof sight.script === 'string') return chosen;
  const there = await once(look, `shelves ${own.kind} ${sight.eyes.uid}`, () =>
    onShelves(look, sight, own.kind),
  );
  return there.length === 0 ? chosen : { ...chosen, there };
}

async function choose(look: Look, sight: Sight, own: InterpreterFacts): Promise<InterpreterFacts> {
  const named = sight.command.interpreter.how === 'absolute';
  const there = own.path !== 'missing';
  if (own.asked || own.nameStays || own.firstLine !== undefined || isPanels(own.wanted)) return own;
  if ((there && (named || look.panel === 'none')) || typeof sight.script === 'string') return own;
  const missing = named ? { missing: own.wanted } : {};
  const version = named ? versionOfPath(own.wanted, own.kind) : undefined;
  if (version !== undefined) {
    const same = await firstThere(look, sight, placesOf(own.kind, version));
    if (same !== 'none') return taken(look, sight, own, same, { is: 'same-version', ...missing });
  }
  const site = look.panel === 'none' ? 'none' : look.panel.siteOf(sight.person.name, realScript(sight));
  if (site === 'none' || own.kind !== 'php' || look.panel === 'none') return own;
  const handler = look.panel.handlers.find(({ id }) => id === site.handler);
  const number = versionOfHandler(site.handler);
  const places = [
    ...(handler?.cli === undefined ? [] : [handler.cli]),
    ...(number === undefined ? [] : placesOf('php', number)),
  ];
  const cli = await firstThere(look, sight, places);
  if (cli === 'none' || cli === own.path) return own;
  return taken(look, sight, own, cli, { is: 'site', site: site.name, handler: site.handler, ...missing });
}

/** What stands where panels and hosters put their versions. */
async function onShelves(look: Look, { eyes }: Sight, kind: InterpreterFacts['kind']): Promise<string[]> {
  const found: string[] = [];
  for (const { directory, name, program } of shelves[kind]) {
    const names = await namesIn(look, directory, eyes);
    for (const one of names.filter((each) => name.test(each)).sort()) {
      const path = `${directory}/${one}/${program}`;
      if (await look.server.files.executable(path, eyes)) found.push(path);
    }
  }
  return found;
}

async function namesIn(look: Look, directory: string, eyes: Sight['eyes']): Promise<readonly string[]> {
  try {
    const names = await look.server.files.list(directory, eyes);
    return names === 'absent' ? [] : names;
  } catch (error) {
    if (isClosed(error)) return [];
    throw error;
  }
}

function placesOf(kind: InterpreterFacts['kind'], version: string): string[] {
  return kind === 'php' ? phpPlaces(version) : nodePlaces(version);
}

async function firstThere(look: Look, { eyes }: Sight, places: readonly string[]): Promise<string | 'none'> {
  for (const path of places) {
    if (isPanels(path)) continue;
    if (await once(look, `runs ${eyes.uid} ${path}`, () => look.server.files.executable(path, eyes)))
      return path;
  }
  return 'none';
}

async function taken(
  look: Look,
  sight: Sight,
  { version: _, asks: __, ...own }: InterpreterFacts,
  path: string,
  because: InterpreterChoice,
): Promise<InterpreterFacts> {
  return { ...own, path, ...(await demandOn(look, sight, path)), because };
}
