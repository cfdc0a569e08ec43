// Which site is asked for a worker's log: never another one's, whose answer would mean nothing.
import { expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import { addressOf } from '../../src/verify/download.ts';

const at = (log?: string): Latched => ({ name: 'w', ...(log === undefined ? {} : { log }) }) as Latched;
const shop = at('/var/www/vhosts/shop.example/httpdocs/w.log');
const blog = at('/var/www/vhosts/example.com/httpdocs/logs/w.log');
const outside = at('/var/log/w.log');

test.each([
  ['one site, one address', shop, [shop, outside], ['https://a.example'], 'https://a.example'],
  ['two workers of one site', shop, [shop, shop], ['https://a.example'], 'https://a.example'],
  [
    'several sites, one address: the one whose host is in the path',
    blog,
    [shop, blog],
    ['https://example.com/'],
    'https://example.com/',
  ],
  ['… with www', blog, [shop, blog], ['https://www.example.com'], 'https://www.example.com'],
  ['… and the other site is not asked by it', shop, [shop, blog], ['https://example.com/'], 'unclear'],
  [
    'an address for each document root',
    shop,
    [shop, blog],
    [
      '/var/www/vhosts/example.com/httpdocs=https://b.example',
      '/var/www/vhosts/shop.example/httpdocs/=https://a.example:8443/x=y',
    ],
    'https://a.example:8443/x=y',
  ],
  ['an address for another document root only', shop, [shop], ['/srv/www/html=https://b.example'], 'unclear'],
  ['two addresses that tell nothing', shop, [shop], ['https://a.example', 'https://b.example'], 'unclear'],
  ['none', shop, [shop], [], 'none'],
] as const)('%s', (_, worker, workers, given, expected) => {
  expect(addressOf(worker, workers, given)).toBe(expected);
});
