// Which crontabs a survey is about, and how this machine's cron reads them.
import { dirname, join } from 'node:path/posix';
import type { Scope } from '../ask/settings.ts';
import type { Dialect, Release } from '../crontab/crontab.ts';
import { Problem } from '../problem.ts';
import type { Plesk } from '../server/panelPort.ts';
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
    case 'site':
      return {
        sources: [{ is: 'user', user: await ownerOf(server, scope.domain, scope.whole) }],
        unseen: [],
      };
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

/** The system user of a site. Plesk knows it; where it does not answer us, the owner of the site's directory is it. */
async function ownerOf(server: Server, domain: string, subscription: boolean): Promise<string> {
  if (!/^[\p{L}\p{N}][\p{L}\p{N}.-]*$/u.test(domain))
    throw new Problem('usage', { what: `${domain} is no domain name.` });
  const plesk = await server.plesk();
  const known = plesk === 'none' || !server.self.root ? 'none' : await siteIn(plesk, domain);
  if (known !== 'none') {
    if (subscription && known.subscription !== undefined && known.subscription !== domain)
      throw new Problem('no-such-entry', {
        what: `${domain} is no subscription of its own: it belongs to ${known.subscription}.`,
      });
    if ((await server.people.find(known.login)) !== 'unknown') return known.login;
    throw new Problem('no-such-entry', {
      what: `Plesk names ${known.login} as the system user of ${domain}, and there is no such user.`,
    });
  }
  const vhosts = plesk === 'none' ? 'none' : plesk.conf.vhosts;
  const seen =
    vhosts === 'none'
      ? ({ is: 'absent' } as const)
      : await server.files.look(join(vhosts, domain), server.self.owner);
  const person = seen.is === 'directory' ? await server.people.find(seen.uid) : 'unknown';
  if (person !== 'unknown') return person.name;
  throw new Problem('no-such-entry', {
    what: `Cannot tell which user owns the site ${domain}: ${vhosts === 'none' ? 'this is no Plesk server' : `no directory ${join(vhosts, domain)}`}. Name the user with --user.`,
  });
}

/** The site as Plesk has it: from the list of all, or, where the database is away, by its own question. */
async function siteIn(
  plesk: Plesk,
  domain: string,
): Promise<{ readonly login: string; readonly subscription?: string } | 'none'> {
  const sites = await plesk.sites();
  if (sites.is === 'answer') return sites.value.find((site) => site.name === domain) ?? 'none';
  const site = await plesk.site(domain);
  return site.is === 'answer' ? site.value : 'none';
}
