// One command line on a server with Plesk in memory: what it said, how it ended, and what both stores are then.
import { deploy } from '../../../src/commands/deploy.ts';
import { history } from '../../../src/commands/history.ts';
import { rollback } from '../../../src/commands/rollback.ts';
import { scan } from '../../../src/commands/scan.ts';
import { Problem } from '../../../src/problem.ts';
import { contextFor } from '../context.ts';
import { memoryServer } from '../memory-server.ts';
import type { Host } from './host.ts';

export const run = async (host: Host, line: string) => {
  let told: Awaited<ReturnType<typeof contextFor>>;
  try {
    told = await contextFor(memoryServer(host.machine), line);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return { out: () => '', err: () => '', exit: problem.exit, json: {}, problem };
  }
  const command = { deploy, rollback, scan, history }[line.split(' ')[0] as 'deploy'];
  try {
    return { ...(await command(told.ctx)), ...told, problem: undefined };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ...told, exit: error.exit, json: {}, problem: error };
  }
};
export const said = (ended: Awaited<ReturnType<typeof run>>): string =>
  `${ended.out()}\n${ended.err()}\n${ended.problem === undefined ? '' : JSON.stringify([ended.problem.code, ended.problem.args])}`;
/** Everything but our own directory, the journals and what the panel was asked. */
export const stores = (host: Host) => ({
  crontab: host.crontab(),
  tasks: structuredClone(host.panel.tasks),
  picture: Object.fromEntries(
    Object.entries(host.machine.picture()).filter(([path]) => !path.includes('/cronlatch')),
  ),
});
/** Deploys the worker of the host. */
export const once = 'deploy --script process_import_jobs.php --ci --without verify';
