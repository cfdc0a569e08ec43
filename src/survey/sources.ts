// Which crontabs a survey is about, and how this machine's cron reads them.
import { dirname, join } from 'node:path/posix';
import type { Scope } from '../ask/settings.ts';
import type { Dialect, Release } from '../crontab/crontab.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource, Server } from '../server/server.ts';

/**
 * Whose rules hold here, those of Debian's cron or of cronie, and which Debian's. Its derivatives name no number in
 * /etc/debian_version (Ubuntu has `trixie/sid`), and are taken for the older one.
 */
export async function cronOf(server: Server): Promise<{ dialect: Dialect; release: Release }> {
  const as = server.self.owner;
  const debian = await server.files.look('/etc/debian_version', as);
  if (debian.is === 'file')
    return { dialect: 'debian', release: Number.parseInt(debian.bytes, 10) >= 13 ? 13 : 12 };
  const redhat = await server.files.look('/etc/redhat-release', as);
  return { dialect: redhat.is === 'absent' ? 'debian' : 'cronie', release: 12 };
}

/** The crontabs of a scope; `unseen` are places this user may not look into. */
export async function sourcesOf(
  server: Server,
  scope: Scope,
): Promise<{ sources: readonly CrontabSource[]; unseen: readonly string[] }> {
  switch (scope.is) {
    case 'everything':
      return server.crontabs.sources();
    case 'sources':
      return { sources: scope.sources, unseen: [] };
    case 'user': {
      if ((await server.people.find(scope.name)) === 'unknown') {
        throw new Problem('no-such-entry', { what: `There is no user ${scope.name} on this machine.` });
      }
      return { sources: [{ is: 'user', user: scope.name }], unseen: [] };
    }
    case 'site': {
      if (!/^[A-Za-z0-9.-]+$/.test(scope.domain))
        throw new Problem('usage', { what: `${scope.domain} is no domain name.` });
      const vhosts = await vhostsDirectory(server);
      const seen =
        vhosts === 'none'
          ? ({ is: 'absent' } as const)
          : await server.files.look(join(vhosts, scope.domain), server.self.owner);
      const person = seen.is === 'directory' ? await server.people.find(seen.uid) : 'unknown';
      if (person === 'unknown') {
        throw new Problem('no-such-entry', {
          what: `Cannot tell which user owns the site ${scope.domain}: ${vhosts === 'none' ? 'this is no Plesk server' : `no directory ${join(vhosts, scope.domain)}`}. Name the user with --user.`,
        });
      }
      return { sources: [{ is: 'user', user: person.name }], unseen: [] };
    }
    case 'files':
      return {
        sources: scope.paths.map((path): CrontabSource => {
          if (path === '/etc/crontab') return { is: 'system', path };
          if (dirname(path) === '/etc/cron.d') return { is: 'cron.d', path };
          return { is: 'file', path, system: scope.system, live: scope.live };
        }),
        unseen: [],
      };
  }
}

/** Plesk's own name for the directory of all sites; not part of cron's environment, whatever guides say. */
export async function vhostsDirectory(server: Server): Promise<string | 'none'> {
  const seen = await server.files.look('/etc/psa/psa.conf', server.self.owner);
  if (seen.is !== 'file') return 'none';
  return /^[ \t]*HTTPD_VHOSTS_D[ \t]+(\S+)/m.exec(seen.bytes)?.[1] ?? 'none';
}
