// Rules about the file a crontab is: cron passes over one whose name, mode, owner or links it does not like.
import { basename } from 'node:path/posix';
import { type CronPlace, type NotLoaded, whyNotLoaded } from '../../crontab/dropin.ts';
import type { RuleCode } from './levels.ts';
import type { FileRule, FileView } from './rule.ts';

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

/** What cron holds against the file; nothing where it cannot be told from here. */
function faults({ source, crontab, file, person }: FileView): readonly NotLoaded[] {
  if (source.is === 'file') return [];
  const place: CronPlace =
    source.is === 'user'
      ? { is: 'spool', uid: person === 'unknown' ? -1 : person.uid }
      : { is: source.is === 'cron.d' ? 'cron.d' : 'system' };
  const name = source.is === 'user' ? source.user : basename(source.path);
  // Of a file that was read by crontab(1) the name alone is known.
  const target = file === 'unseen' ? { uid: 0, mode: place.is === 'spool' ? 0o600 : 0o644, links: 1 } : file;
  return whyNotLoaded({ name, target: { regular: true, ...target } }, place, crontab.dialect);
}

function about(
  code: RuleCode,
  why: readonly NotLoaded[],
  args: (view: FileView) => Record<string, string | number>,
): FileRule {
  return {
    code,
    check: (view) => (faults(view).some((fault) => why.includes(fault)) ? [{ args: args(view) }] : []),
  };
}

const pathOf = ({ source }: FileView): string => (source.is === 'user' ? source.user : source.path);

export const cronDirectoryName = about('cron-d-name', ['name'], (view) => ({
  path: pathOf(view),
  dialect: view.crontab.dialect,
}));

export const fileMode = about('file-mode', ['writable', 'mode'], (view) => ({
  mode: view.file === 'unseen' ? '' : octal(view.file.mode),
  wanted: view.source.is === 'user' ? '0600' : '0644',
}));

export const fileOwner = about('file-owner', ['owner'], (view) => ({
  uid: view.file === 'unseen' ? '' : view.file.uid,
  wanted: view.source.is === 'user' ? view.source.user : 'root',
}));

export const fileLinks = about('file-links', ['hard-links'], (view) => ({
  links: view.file === 'unseen' ? '' : view.file.links,
}));

/** Copies people leave beside the original: Debian's cron passes over their names, cronie runs them. */
const BACKUP = /\.(?:bak|backup|old|orig|save|sav|disabled|off|tmp|swp|dpkg-\w+|ucf-\w+|[0-9]+)$/;

export const cronDirectoryBackup: FileRule = {
  code: 'cron-d-backup',
  check(view) {
    const { source, crontab } = view;
    if (source.is !== 'cron.d' || crontab.dialect !== 'cronie') return [];
    if (!BACKUP.test(basename(source.path)) || faults(view).includes('name')) return [];
    return [{ args: { path: source.path } }];
  },
};
