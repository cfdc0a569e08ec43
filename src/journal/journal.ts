// The journal on the server: written and fsynced before each act, listed and read back afterwards.
import { bytesOf } from '../change/encode.ts';
import type { Plan } from '../change/plan.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import {
  type CloseState,
  comesAfter,
  type Journal,
  type JournalRecord,
  journalSchema,
  printRecord,
  readJournal,
} from './records.ts';

/** An open journal. Every record is durable when `write` returns. */
export interface Pen {
  readonly id: string;
  readonly path: string;
  write(record: JournalRecord): Promise<void>;
}

/** Where journals stand below a state directory. */
function journalDirectory(stateDirectory: string): string {
  return `${stateDirectory}/deployments`;
}

/** The file of one deployment's journal. */
export function journalPath(stateDirectory: string, id: string): string {
  return `${journalDirectory(stateDirectory)}/${id}.jsonl`;
}

/** Makes the state directory (0700) with a folder in it, and every missing parent. Throws a Problem when it may not. */
export async function prepareState(
  server: Server,
  stateDirectory: string,
  folder = journalDirectory(stateDirectory),
): Promise<void> {
  const as = server.self.owner;
  for (const path of parents(folder)) {
    let seen = await server.files.look(path, as);
    if (seen.is === 'absent') {
      try {
        await server.files.makeDirectory(path, 0o700, as, as);
        await server.files.sync(path.slice(0, path.lastIndexOf('/')) || '/', as);
        continue;
      } catch (error) {
        // Two that start together both find it absent; the lock inside decides between them.
        seen = await server.files.look(path, as);
        if (seen.is === 'absent') throw error;
      }
    }
    if (
      path.startsWith(stateDirectory) &&
      (seen.is !== 'directory' || seen.uid !== as.uid || seen.mode & 0o022)
    ) {
      throw new Problem('unkeepable', {
        path,
        reason: 'the state directory must be a directory of your own that nobody else may write',
        next: 'Name another: --state-dir DIR',
      });
    }
  }
}

function parents(path: string): string[] {
  const parts = path.split('/').slice(1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

/** Opens a journal with its plan. When this returns, the undo is on the disk and the first change may be made. */
export async function openJournal(
  server: Server,
  stateDirectory: string,
  head: {
    command: 'deploy' | 'rollback';
    plan: Plan;
    version: string;
    of?: string;
    to?: 'before' | 'long-running' | 'disabled';
  },
): Promise<Pen> {
  const at = new Date(server.now()).toISOString();
  const stamp = at.replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const taken = await server.files.list(journalDirectory(stateDirectory), server.self.owner);
  const book = await readJournals(server, stateDirectory);
  let id = `${stamp}-${head.plan.id.slice(0, 4)}`;
  for (let n = 2; taken !== 'absent' && taken.includes(`${id}.jsonl`); n++)
    id = `${stamp}-${head.plan.id.slice(0, 4)}-${n}`;
  const path = journalPath(stateDirectory, id);
  const pen = penFor(server, id, path);
  const { command, plan, of, to, version } = head;
  await pen.write({
    is: 'open',
    schema: journalSchema,
    id,
    number: Math.max(0, ...book.map((j) => j.open.number ?? 0)) + 1,
    at,
    by: { user: server.self.user, host: server.self.host, pid: server.self.pid, version },
    command,
    ...(of === undefined ? {} : { of }),
    ...(to === undefined ? {} : { to }),
    plan,
  });
  await server.files.sync(journalDirectory(stateDirectory), server.self.owner);
  return pen;
}

/** Goes on writing a journal that was left open. */
export async function reopenJournal(server: Server, journal: Journal): Promise<Pen> {
  const pen = penFor(server, journal.open.id, journal.path);
  if (journal.torn)
    await server.files.append(journal.path, `\n${printRecord({ is: 'torn' })}`, server.self.owner);
  return pen;
}

function penFor(server: Server, id: string, path: string): Pen {
  return {
    id,
    path,
    async write(record) {
      await server.files.append(path, bytesOf(printRecord(record)), server.self.owner);
      await server.files.sync(path, server.self.owner);
    },
  };
}

/** Ends a journal; its state is then final. */
export async function closeJournal(server: Server, pen: Pen, state: CloseState, by?: string): Promise<void> {
  const at = new Date(server.now()).toISOString();
  await pen.write({ is: 'close', at, state, ...(by === undefined ? {} : { by }) });
}

/** All journals, oldest first. Throws a Problem on one that cannot be read: it may hold the only way back. */
export async function readJournals(server: Server, stateDirectory: string): Promise<Journal[]> {
  const directory = journalDirectory(stateDirectory);
  const names = await server.files.list(directory, server.self.owner);
  if (names === 'absent') return [];
  const journals: Journal[] = [];
  for (const name of names) {
    if (!name.endsWith('.jsonl')) continue;
    const path = `${directory}/${name}`;
    const seen = await server.files.look(path, server.self.owner);
    if (seen.is !== 'file') continue;
    const journal = readJournal(path, Buffer.from(seen.bytes, 'latin1').toString('utf8'));
    // 'empty': the crash came before the plan was on the disk, so nothing was done.
    if (journal !== 'empty') journals.push(journal);
  }
  return journals.sort((a, b) => (comesAfter(a, b) ? 1 : -1));
}

/** Removes journals for good. When this returns, they are gone from the disk too. */
export async function removeJournals(
  server: Server,
  stateDirectory: string,
  journals: readonly Journal[],
): Promise<void> {
  for (const journal of journals) await server.files.remove(journal.path, server.self.owner);
  await server.files.sync(journalDirectory(stateDirectory), server.self.owner);
}
