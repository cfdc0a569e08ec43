// The report of many hosts for the eye: the table, what is wrong with each host, and the page.
import { describe, expect, test } from 'vitest';
import { fleetReport } from '../../src/fleet/report.ts';
import { type HostResult, readResult } from '../../src/fleet/results.ts';
import { summarise } from '../../src/monitor/summary.ts';
import { fleetLines } from '../../src/show/fleet.ts';
import { fleetPage } from '../../src/show/fleetPage.ts';
import { themeOf } from '../../src/show/theme.ts';
import { badHour, goodHour, type Story } from '../support/watchStory.ts';

const of = (
  host: string,
  story: Story,
  change: (summary: Record<string, unknown>) => object = (all) => all,
): HostResult => readResult(`${host}.json`, JSON.stringify(change({ ...summarise(story) })));
const lost: HostResult = { host: 'web3.example.com', is: 'unwatched', because: 'the host was not reached' };
const three = fleetReport([of('web1.example.com', goodHour()), of('web2.example.com', badHour()), lost]);

describe('as text', () => {
  test('is a table with the worst first, and under each host what is wrong with it', async () => {
    const lines = fleetLines(three, await themeOf({ color: false, unicode: true }));
    expect(lines).toMatchInlineSnapshot(`
      [
        "host              verdict      peak            refusals         instances  jobs/min",
        "web2.example.com  FAIL         100 % (5 of 5)  6, 1 in the log  2          2",
        "    process_import_jobs: only one instance runs at any time: 2 at once",
        "    process_import_jobs: no refused database connections: 1 line(s) of the log speak of them",
        "    process_import_jobs: database connections stay below 60 % of the limit, and do not rise: 5 of 5 (100 %), refused 4 time(s) while we looked; see: cronlatch connections",
        "    process_import_jobs: the lock is held while the worker runs: an instance runs without it",
        "    process_import_jobs: cron starts it at every tick: 3 of 30 missed",
        "    the watch saw the whole time: not measured, only 98.3 % of the samples were taken",
        "    first violation at 2026-11-24T10:10:30.000Z, process_import_jobs: 4 of 5 connections: 60 % of the limit or more",
        "web3.example.com  not watched  -               -                -          -",
        "    the host was not reached",
        "web1.example.com  pass         20 % (1 of 5)   0                1          2",
        "",
        "3 hosts: 1 pass, 1 FAIL, 1 not watched.",
      ]
    `);
  });
});

describe('as a page', () => {
  const page = fleetPage(three, '0.1.0');

  test('tells the same of each host as the text', () => {
    for (const host of three.hosts) expect(page).toMatch(new RegExp(`<th scope="row"[^>]*>${host.host}`));
    expect(page).toContain('3 hosts: 1 pass, 1 FAIL, 1 not watched.');
    expect(page).toContain('the host was not reached');
  });

  test('needs nothing from anywhere: no script, no address, and a policy that says so', () => {
    expect(page).not.toMatch(/<script|<link|<img|src=|href=|url\(|@import/);
    expect(page).toContain("default-src 'none'");
  });

  test('shows what a host has sent as text, without secrets', () => {
    const evil = of('<img src=x onerror=alert(1)>', badHour(), (summary) => ({
      ...summary,
      outcome: summary['outcome'],
      criteria: [
        {
          check: 'log-errors',
          worker: '"><script>alert(2)</script>',
          is: 'fail',
          because: '<b>',
          args: { count: '</table>' },
          evidence: [],
        },
      ],
      incidents: [],
    }));
    const failed: HostResult = {
      host: 'a',
      is: 'unwatched',
      because: 'mysql://app:Canary-4c1d@db.example/shop',
    };
    const spoilt = fleetPage(fleetReport([evil, failed]), '0.1.0');
    expect(spoilt).not.toMatch(/<img|<script|<b>/);
    expect(spoilt.match(/<\/table>/g)).toHaveLength(1);
    expect(spoilt).not.toContain('Canary-4c1d');
  });

  test('is well below 150 kB for two hundred hosts of which a tenth failed', () => {
    const [good, bad] = [of('a', goodHour()), of('b', badHour())];
    const hosts = Array.from({ length: 200 }, (_, at) => ({
      ...(at % 10 === 0 ? bad : good),
      host: `web${at}.example.com`,
    }));
    expect(fleetPage(fleetReport(hosts), '0.1.0').length).toBeLessThan(150_000);
  });
});
