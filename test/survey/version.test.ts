// Which version a path names, and which versions a range of composer.json or package.json certainly leaves out.
import { describe, expect, test } from 'vitest';
import { isLeftOut, rangeIn, versionOfPath } from '../../src/survey/version.ts';

describe('the version of a path', () => {
  test.each([
    ['/opt/plesk/php/8.3/bin/php', '8.3'],
    ['/usr/bin/php7.4', '7.4'],
    ['/opt/cpanel/ea-php84/root/usr/bin/php', '8.4'],
    ['/opt/alt/php56/usr/bin/php', '5.6'],
    ['/usr/bin/php8', '8'],
    ['/usr/local/php-8.2.11/bin/php', '8.2.11'],
    ['/usr/bin/php', undefined],
    ['/home/php/bin/php', undefined],
  ])('%s', (path, version) => {
    expect(versionOfPath(path, 'php')).toBe(version);
  });

  test.each([
    ['/opt/plesk/node/18/bin/node', '18'],
    ['/home/example-user/.nvm/versions/node/v20.11.1/bin/node', '20.11.1'],
    ['/usr/bin/nodejs', undefined],
    ['/usr/local/bin/node22', '22'],
  ])('%s', (path, version) => {
    expect(versionOfPath(path, 'node')).toBe(version);
  });
});

describe('a range leaves out', () => {
  test.each([
    ['7.4', '^8.1'],
    ['8.0', '>=8.1'],
    ['8', '^7.4'],
    ['8.4', '>=8.1 <8.4'],
    ['8.4', '8.1 - 8.3'],
    ['5.6', '^7.4 || ^8.0'],
    ['8.0', '8.1.*'],
    ['18', '>=20'],
    ['18.17.0', '^18.18.0 || >=20.9.0'],
    ['7.4', '>= 8.1 , < 9.0'],
    ['8.2', '~8.1.0'],
  ])('%s of %s', (version, range) => {
    expect(isLeftOut(version, range)).toBe(true);
  });
});

describe('a range does not certainly leave out', () => {
  test.each([
    ['8.1', '^8.1'],
    ['8', '^8.1'],
    ['8.1', '>=8.1.3'],
    ['8.3', '^7.4|^8.0'],
    ['8.3', '~8.1'],
    ['18', '>=18.18'],
    ['8.3', '*'],
    ['8.3', 'dev-main'],
    ['8.3', ''],
    ['8.3', '!=8.3'],
    ['22', 'lts/*'],
  ])('%s of %s', (version, range) => {
    expect(isLeftOut(version, range)).toBe(false);
  });
});

test('a file that is no JSON, or says nothing, asks for nothing', () => {
  expect(rangeIn('{"require": {"php": "^8.1"}}', 'php')).toBe('^8.1');
  expect(rangeIn('{"engines": {"node": ">=20"}}', 'node')).toBe('>=20');
  for (const text of ['', '{', 'null', '[]', '{"require": []}', '{"require": {"php": 8}}'])
    expect(rangeIn(text, 'php')).toBe(undefined);
});
