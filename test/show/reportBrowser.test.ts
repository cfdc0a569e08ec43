// The report of a watch in a real browser: on a phone and on a desk, light and dark and on paper. Nothing sticks out,
// nothing is loaded, nothing complains, and every text can be read.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fleetReport } from '../../src/fleet/report.ts';
import { readResult } from '../../src/fleet/results.ts';
import { summarise } from '../../src/monitor/summary.ts';
import { fleetPage } from '../../src/show/fleetPage.ts';
import { reportHtml } from '../../src/show/reportHtml.ts';
import { type Browser, chromiumProgram, type Page, startChromium } from '../support/chromium.ts';
import { badHour, goodHour } from '../support/watchStory.ts';

const program = chromiumProgram();
const why = 'skipped: there is no Chromium on this machine';

interface Look {
  readonly wide: string[];
  readonly faint: string[];
  readonly texts: number;
}
const lookAround = readFileSync(join(import.meta.dirname, '../support/pageLook.mjs'), 'utf8').replace(
  /^export /m,
  '',
);

describe.skipIf(program === 'absent')(`in a browser${program === 'absent' ? ` (${why})` : ''}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'cronlatch-report-'));
  let browser: Browser;
  let page: Page;
  const bad = summarise(badHour());
  const long = 'x'.repeat(180);
  const pages: Readonly<Record<string, string>> = {
    good: reportHtml(summarise(goodHour())),
    bad: reportHtml(bad),
    // Words that no line can break at, and two workers.
    long: reportHtml({
      ...bad,
      host: `${long}.example`,
      workers: [...bad.workers, ...bad.workers].map((one) => ({
        ...one,
        script: `/var/${long}.php`,
        user: long,
      })),
      incidents: bad.incidents.map((one) => ({ ...one, evidence: [long] })),
    }),
    // The report of many hosts is made of the same pieces.
    fleet: fleetPage(
      fleetReport(
        [goodHour(), badHour()].map((story, at) =>
          readResult(`web${at}.shop.example.json`, JSON.stringify(summarise(story))),
        ),
      ),
      '0.1.0',
    ),
    broken:
      '<!doctype html><html lang="en"><title>x</title><body style="background:#fff"><p style="color:#999;width:1500px">faint and wide</p><img src="http://example.com/x.png"><script>console.error("x")</script>',
  };

  beforeAll(async () => {
    for (const [name, html] of Object.entries(pages)) writeFileSync(join(directory, `${name}.html`), html);
    browser = startChromium(program);
    page = await browser.page();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const show = async (name: string, width: number, scheme: string, media = ''): Promise<void> => {
    const size = { width, height: 900, deviceScaleFactor: 1, mobile: false };
    await page.send('Emulation.setDeviceMetricsOverride', size);
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await page.send('Emulation.setEmulatedMedia', { media, features });
    await page.open(join(directory, `${name}.html`));
  };
  const look = () => page.run<Look>(`(() => { ${lookAround}\nreturn lookAround(); })()`);
  const asked = (): string[] =>
    page.events.flatMap(({ method, params }) =>
      method === 'Network.requestWillBeSent'
        ? [String((params['request'] as unknown as { url: string }).url)]
        : [],
    );
  const complaints = (): string[] =>
    page.events
      .filter(({ method }) =>
        ['Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded'].includes(method),
      )
      .map(({ params }) => JSON.stringify(params).slice(0, 200));

  const views = [360, 1280].flatMap((width) =>
    ['light', 'dark'].flatMap((scheme) => [
      { width, scheme, media: '' },
      ...(width === 1280 ? [{ width: 720, scheme, media: 'print' }] : []),
    ]),
  );
  test.each([
    ['good', 200],
    ['bad', 200],
    ['long', 200],
    ['fleet', 30],
  ])('the page %s fits, is legible, loads nothing and says nothing', async (name, least) => {
    for (const { width, scheme, media } of views) {
      await show(name, width, scheme, media);
      const { wide, faint, texts } = await look();
      const where = `${width} px, ${scheme} ${media}`;
      expect(texts, where).toBeGreaterThan(least);
      expect(wide, where).toEqual([]);
      expect(faint, where).toEqual([]);
      expect(complaints(), where).toEqual([]);
      expect(asked(), where).toEqual([`file://${directory}/${name}.html`]);
    }
  });

  test('dark is dark, light is light, and paper is white', async () => {
    const ground = () => page.run<string>('getComputedStyle(document.body).backgroundColor');
    const shades: string[] = [];
    for (const [scheme, media] of [
      ['light', ''],
      ['dark', ''],
      ['dark', 'print'],
    ] as const) {
      await show('bad', 1280, scheme, media);
      shades.push(await ground());
    }
    const [light = '', dark = '', paper] = shades;
    const sum = (css: string): number =>
      (css.match(/\d+/g) ?? []).reduce((all, part) => all + Number(part), 0);
    expect(sum(light)).toBeGreaterThan(600);
    expect(sum(dark)).toBeLessThan(150);
    expect(paper).toBe('rgb(255, 255, 255)');
  });

  test('who listens to it hears tables with headers, pictures in words, and one title', async () => {
    for (const width of [360, 1280]) {
      await show('bad', width, 'light');
      const { nodes } = (await page.send('Accessibility.getFullAXTree')) as unknown as {
        nodes: {
          ignored: boolean;
          role?: { value: string };
          name?: { value: string };
          description?: { value: string };
        }[];
      };
      const of = (...roles: string[]) =>
        nodes.filter((one) => !one.ignored && roles.includes(one.role?.value ?? ''));
      const tables = of('table');
      expect(tables.length).toBe(await page.run<number>('document.querySelectorAll("table[role]").length'));
      expect(tables.filter((one) => !one.name?.value)).toEqual([]);
      expect(of('columnheader').length).toBeGreaterThanOrEqual(4 * 3);
      expect(of('rowheader').length).toBeGreaterThan(30);
      const pictures = of('image', 'img');
      expect(pictures.length).toBeGreaterThanOrEqual(5);
      expect(pictures.filter((one) => !one.name?.value || !one.description?.value)).toEqual([]);
    }
    expect(await page.run('document.documentElement.lang')).toBe('en');
    expect(await page.run('document.title')).toContain('shop.example');
    expect(await page.run('document.querySelectorAll("h1").length')).toBe(1);
  });

  test('a gap is a gap: nothing of a line stands in it', async () => {
    await show('bad', 1280, 'light');
    const inside = await page.run<number[]>(`[...document.querySelectorAll('.chart')].map((chart) => {
      const band = chart.querySelector('svg > .gapband').getBoundingClientRect();
      const path = chart.querySelector('.step');
      const matrix = path.getScreenCTM();
      const total = path.getTotalLength();
      let found = 0;
      for (let at = 0; at <= total; at += total / 4000) {
        const x = path.getPointAtLength(at).matrixTransform(matrix).x;
        if (x > band.left + 3 && x < band.right - 3) found++;
      }
      return found;
    })`);
    expect(inside.length).toBe(4);
    expect(inside).toEqual([0, 0, 0, 0]);
  });

  test('a page with faults is caught in each of them', async () => {
    await show('broken', 360, 'light');
    const { wide, faint } = await look();
    expect(wide[0]).toMatch(/^the page: 15\d\d of 360/);
    expect(faint).toHaveLength(1);
    expect(complaints()).not.toEqual([]);
    expect(asked()).toContain('http://example.com/x.png');
  });
});
