// Which files the daemons pass over: every rule of crontab.md 2.6, both dialects, one row each.
import { describe, expect, test } from 'vitest';
import { type CronFile, type CronPlace, type NotLoaded, whyNotLoaded } from '../../src/crontab/dropin.ts';
import { cronDirName } from '../../src/crontab/name.ts';

const good = { regular: true, uid: 0, mode: 0o644, links: 1 };
const file = (target: Partial<typeof good> = {}, rest: Partial<CronFile> = {}): CronFile => ({
  name: 'worker',
  target: { ...good, ...target },
  ...rest,
});

const dropin: CronPlace = { is: 'cron.d' };
const spool: CronPlace = { is: 'spool', uid: 1001 };
const own = (target: Partial<typeof good> = {}, rest: Partial<CronFile> = {}) =>
  file({ uid: 1001, mode: 0o600, ...target }, { name: 'u12345_app', ...rest });

type Row = [string, CronFile, readonly NotLoaded[], readonly NotLoaded[]];

describe('a file of /etc/cron.d', () => {
  test.each<Row>([
    ["root's, 0644", file(), [], []],
    ['0600', file({ mode: 0o600 }), [], []],
    ['0400', file({ mode: 0o400 }), [], []],
    ['a backup beside it', file({}, { name: 'worker.bak' }), ['name'], []],
    ["an editor's backup", file({}, { name: 'worker~' }), ['name'], ['name']],
    ['a hidden one', file({}, { name: '.worker' }), ['name'], ['name']],
    ["somebody else's", file({ uid: 1001 }), ['owner'], ['owner']],
    ['writable for its group', file({ mode: 0o664 }), ['writable'], ['writable']],
    ['writable for all', file({ mode: 0o646 }), ['writable'], ['writable']],
    ['executable: dead on cronie only', file({ mode: 0o755 }), [], ['mode']],
    ['set-uid', file({ mode: 0o4644 }), [], ['mode']],
    ['sticky', file({ mode: 0o1644 }), [], ['mode']],
    ['not readable for its owner: root reads it on Debian', file({ mode: 0o044 }), [], ['mode']],
    ['with a hard link as its backup: dead on Debian only', file({ links: 2 }), ['hard-links'], []],
    ["a symbolic link of root's", file({}, { link: { uid: 0 } }), [], []],
    ["somebody else's symbolic link", file({}, { link: { uid: 1001 } }), ['symlink-owner'], []],
    [
      'a link that leads nowhere',
      file({}, { link: { uid: 0 }, target: 'absent' }),
      ['broken-symlink'],
      ['broken-symlink'],
    ],
    ['gone', file({}, { target: 'absent' }), ['absent'], ['absent']],
    [
      'a directory',
      file({ regular: false, mode: 0o755, links: 2 }),
      ['not-a-file', 'hard-links'],
      ['not-a-file', 'mode'],
    ],
    [
      'all at once, in the order the daemon looks',
      file({ uid: 1001, mode: 0o666, links: 2 }, { name: 'a.b' }),
      ['name', 'owner', 'writable', 'hard-links'],
      ['writable', 'owner'],
    ],
  ])('%s', (_, one, debian, cronie) => {
    expect(whyNotLoaded(one, dropin, 'debian')).toEqual(debian);
    expect(whyNotLoaded(one, dropin, 'cronie')).toEqual(cronie);
  });

  test('its name does not matter for /etc/crontab', () => {
    const odd = file({}, { name: 'cron.tab' });
    expect(whyNotLoaded(odd, { is: 'system' }, 'debian')).toEqual([]);
    expect(whyNotLoaded(odd, { is: 'system' }, 'cronie')).toEqual([]);
  });
});

describe("a user's crontab in the spool", () => {
  test.each<Row>([
    ["the user's own, 0600", own(), [], []],
    ["root's", own({ uid: 0 }), [], []],
    ["a third one's", own({ uid: 1002 }), ['owner'], ['owner']],
    ['0644: Debian wants exactly 0600', own({ mode: 0o644 }), ['mode'], []],
    ['0400', own({ mode: 0o400 }), ['mode'], []],
    ['0700', own({ mode: 0o700 }), ['mode'], ['mode']],
    ['writable for its group', own({ mode: 0o660 }), ['writable'], ['writable']],
    ['with a second hard link', own({ links: 2 }), ['hard-links'], ['hard-links']],
    ['a symbolic link', own({}, { link: { uid: 1001 } }), ['symlink'], []],
    ['a hidden name', own({}, { name: '.u12345_app' }), ['name'], ['name']],
  ])('%s', (_, one, debian, cronie) => {
    expect(whyNotLoaded(one, spool, 'debian')).toEqual(debian);
    expect(whyNotLoaded(one, spool, 'cronie')).toEqual(cronie);
  });
});

describe('a file name in /etc/cron.d', () => {
  test.each([
    // name, Debian, Debian with -l, cronie
    ['worker', true, true, true],
    ['lead_ws-2', true, true, true],
    ['Worker', true, false, true],
    ['lead_ws', true, false, true],
    ['worker.bak', false, false, true],
    ['example.com', false, false, true],
    ['example.com-worker', false, true, true],
    ['_example.com-worker', false, true, true],
    ['a-b.dpkg-old', false, false, true],
    ['a.b-dpkg-dist', false, false, true],
    ['.worker', false, false, false],
    ['worker~', false, false, false],
    ['#worker', false, false, false],
    ['worker.rpmsave', false, false, false],
    ['worker.rpmnew', false, false, false],
    ['worker.rpmorig', false, false, false],
    ['worker\n', false, false, true],
    ['.cron.hostname', false, false, false],
    ['a/b', false, false, false],
    ['', false, false, false],
  ])('%j: Debian %s, with -l %s, cronie %s', (name, debian, lsb, cronie) => {
    expect(cronDirName(name, 'debian')).toBe(debian);
    expect(cronDirName(name, 'debian', true)).toBe(lsb);
    expect(cronDirName(name, 'cronie')).toBe(cronie);
  });
});
