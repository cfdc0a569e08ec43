// The report of a watch in its three forms: the same numbers in each, strangers' texts harmless, small enough to send.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Summary, summarise } from '../../src/monitor/summary.ts';
import { reportHtml } from '../../src/show/reportHtml.ts';
import { reportJson } from '../../src/show/reportJson.ts';
import { reportMarkdown } from '../../src/show/reportMarkdown.ts';
import type { Verdict } from '../../src/verify/verdict.ts';
import { badHour, goodHour, moment, type Story, tell } from '../support/watchStory.ts';

/** Every leaf of a document with the way to it, changed by `change`. */
function each<T>(value: T, change: (leaf: unknown, path: string) => unknown, path = ''): T {
  if (Array.isArray(value)) return value.map((one, at) => each(one, change, `${path}/${at}`)) as T;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, each(one, change, `${path}/${key}`)]),
    ) as T;
  return change(value, path) as T;
}

/** What a reader of the page, or of the rendered Markdown, reads. */
const letters = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
const readHtml = (html: string): string =>
  letters(html.replace(/<style>.*<\/style>/s, '').replace(/<[^>]*>/g, ' '));
const readMarkdown = (text: string): string =>
  letters(text.replace(/\\([\\`*_{}[\]#!|~])/g, '$1').replace(/<[^>]*>/g, ' '));
const forms = (summary: Summary): readonly (readonly [string, string])[] => [
  ['HTML', readHtml(reportHtml(summary))],
  ['Markdown', readMarkdown(reportMarkdown(summary))],
];
/** Every tag with the names of its attributes. */
const tagsOf = (html: string): string[] =>
  (html.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));

const bad = summarise(badHour());
/** The bad hour of a worker whose guard was tried before. */
const guardedStory = (): Story => {
  const story = badHour();
  const probe: Verdict = {
    ...{ check: 'stale-recovered', worker: 'process_import_jobs', is: 'pass', because: 'recovered' },
    ...{ args: {}, evidence: ['exit 0'] },
  };
  return { ...story, start: { ...story.start, probes: [probe] } };
};

describe('the same numbers in all forms', () => {
  // Each number is replaced by one that stands nowhere else: it can be found only where it is really printed.
  const numbered = (
    summary: Summary,
  ): { readonly summary: Summary; readonly numbers: Map<number, string> } => {
    const numbers = new Map<number, string>();
    const { firstViolation: _, ...rest } = summary;
    const changed = each(rest, (leaf, path) => {
      // The charts draw the series; which worker an incident is of is said by its name.
      if (typeof leaf !== 'number' || /\/series\/|^\/incidents\/\d+\/worker$/.test(path)) return leaf;
      const made = 7_100_003 + 17 * numbers.size;
      numbers.set(made, path);
      return made;
    });
    const first = changed.incidents.find(({ level }) => level === 'violation');
    return { summary: { ...changed, ...(first === undefined ? {} : { firstViolation: first }) }, numbers };
  };
  const missing = (text: string, numbers: Map<number, string>): string[] => {
    const printed = new Set(text.match(/\d+/g));
    return [...numbers].filter(([number]) => !printed.has(String(number))).map(([, path]) => path);
  };

  test.each([
    ['a bad hour', badHour()],
    ['a good hour', goodHour()],
    [
      'a watch without a guard, a log and a database',
      tell({ watched: { lock: undefined, log: undefined } as never }),
    ],
    ['a watch that was cut off', tell({ end: 'none', seconds: 700 })],
    [
      'a clock that was set',
      tell({ more: [{ is: 'gap', ...moment(90), from: 90, to: 90, why: 'clock', jump: -5000 }] }),
    ],
  ])('%s: every number of the JSON stands in the page and in the Markdown', (_, story) => {
    const { summary, numbers } = numbered(summarise(story));
    expect(numbers.size).toBeGreaterThan(100);
    for (const [form, text] of forms(summary)) expect(missing(text, numbers), form).toEqual([]);
  });

  test('every moment and every name, too', () => {
    const summary = summarise(badHour());
    const wanted: string[] = [];
    each(summary, (leaf, path) => {
      if (
        typeof leaf !== 'string' ||
        /\/(?:is|by|why|check|because|kind|ended|cron|minute|args\/.*)$/.test(path)
      )
        return leaf;
      wanted.push(
        /^\d{4}-.*Z$/.test(leaf) ? `${leaf.slice(0, 10)} ${leaf.slice(11, 19)}` : leaf.replace(/\s+/g, ' '),
      );
      return leaf;
    });
    expect(wanted.length).toBeGreaterThan(60);
    for (const [form, text] of forms(summary)) {
      const flat = text.replace(/\s+/g, ' ');
      expect(
        wanted.filter((one) => !flat.includes(one)),
        form,
      ).toEqual([]);
    }
  });

  test('the JSON is the summary itself', () => {
    const summary = summarise(badHour());
    expect(JSON.parse(reportJson(summary))).toEqual(JSON.parse(JSON.stringify(summary)));
  });

  test('each of the seed’s six criteria has a row with its answer', () => {
    const text = readHtml(reportHtml(summarise(guardedStory())));
    for (const row of [
      /Only one instance runs at any time\s+✖\s+not met/,
      /No refused database connections \(max_user_connections\)\s+✖\s+not met/,
      /Database connections are stable, below 60 % of the limit\s+✖\s+not met/,
      /Jobs are processed\s+✔\s+met/,
      /The lock is taken and given back\s+✖\s+not met/,
      /A stale lock blocks nobody\s+✔\s+met/,
    ])
      expect(text).toMatch(row);
    expect(readHtml(reportHtml(summarise(badHour())))).toMatch(/A stale lock blocks nobody\s+–\s+not tested/);
  });

  test('it says that all was met only where all was tested', () => {
    const story = goodHour();
    const tried = summarise({ ...story, start: { ...story.start, probes: guardedStory().start.probes } });
    for (const [form, text] of forms(tried)) expect(text, form).toContain('All criteria were met.');
    for (const [form, text] of forms(summarise(story))) {
      expect(text, form).toContain('All that could be tested was met; not everything was tested.');
      expect(text, form).not.toContain('All criteria were met.');
    }
  });

  test('what could not be seen is said', () => {
    const blind = summarise(tell({ watched: { log: undefined } as never, seconds: 60 }));
    for (const [form, text] of forms(blind)) {
      expect(text, form).toContain('it has no log that would tell of refusals');
      expect(text, form).toContain('do not tell whose connections were refused');
    }
  });
});

describe('strangers’ texts', () => {
  const strings = [
    'shop.example',
    'root',
    'example-user',
    '*/2 * * * *',
    'user:example-user',
    '20261124-095500-5b48',
  ];
  const withText = (text: string): Summary =>
    each(bad, (leaf) =>
      typeof leaf === 'string' &&
      (strings.includes(leaf) ||
        leaf.includes('/') ||
        leaf.includes('SQLSTATE') ||
        leaf === 'process_import_jobs')
        ? text
        : leaf,
    );
  const benign = reportHtml(withText('x'));
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: fc.constantFrom(...'<>"\'&`;/=- \n\\|*_[]()!#~@:'), minLength: 1 }),
    fc.constantFrom(
      '</style><script>alert(1)</script>',
      '"><img src=http://example.com/x onerror=alert(1)>',
      "' onload='alert(1)",
      '</title></head><body onload=alert(1)>',
      '<!--',
      ']]><svg onload=alert(1)>',
      '&#60;script&#62;',
      '\ud800',
      '\u202eevil',
      '\x1b[31m',
    ),
  );

  test('bring no tag and no attribute into the page, whatever they are', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const html = reportHtml(withText(text));
        expect(tagsOf(html)).toEqual(tagsOf(benign));
        expect(html).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u);
      }),
      { numRuns: 25 },
    );
  });

  test('bring no row, no link and no tag into the Markdown', () => {
    const rows = (text: string): number => text.split('\n').length;
    const plain = rows(reportMarkdown(withText('x')));
    fc.assert(
      fc.property(nasty, (text) => {
        const said = reportMarkdown(withText(text));
        expect(rows(said)).toBe(plain);
        expect(said.replace(/<br>|<\/?details>|<\/?summary>/g, '')).not.toMatch(/[<>]/);
        expect(said).not.toMatch(/(?<!\\)\]\(/);
      }),
      { numRuns: 25 },
    );
  });

  test('that hold secrets are hidden in every form', () => {
    for (const text of [
      'php x.php --db-password=hunter22',
      'mysql://u12345_app:hunter22@127.0.0.1/app',
      '/x.php?token=hunter22',
    ]) {
      const summary = withText(text);
      for (const form of [reportHtml(summary), reportMarkdown(summary), reportJson(summary)]) {
        expect(form).not.toContain('hunter22');
        expect(form.replaceAll('\\', '')).toContain('***');
      }
    }
  });

  test('nothing in the page loads or runs anything', () => {
    const html = reportHtml(summarise(badHour()));
    expect(html).toMatch(
      /http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[^']+';/,
    );
    expect(html).not.toMatch(/<script|<link|<iframe|<img|@import|url\(|\ssrc=|\shref=|\sstyle=/);
  });
});

describe('the size', () => {
  const most = 150_000;
  const busy = (seconds: number): Summary => {
    const story = tell({
      seconds,
      // Someone comes or goes at every second, and so do connections.
      runs: Array.from({ length: seconds / 2 }, (_, i) => ({ from: 2 * i, to: 2 * i + 1, pid: 5000 + i })),
      used: (second) => (second / 5) % 5,
      pending: (second) => (second * 7919) % 1000,
      refused: (second) => Math.floor(second / 10),
      more: Array.from({ length: seconds / 20 }, (_, i) => ({
        ...{
          is: 'log',
          worker: 0,
          ...moment(20 * i + 1),
          grown: 999,
          errors: [`PHP Fatal error: ${'x'.repeat(300)}`],
        },
        refusals: [`SQLSTATE[HY000] [1203] ${'y'.repeat(300)}`],
      })) as never,
    });
    return summarise(story);
  };

  test('of an hour in which something changed every second is at most 150 kB', () => {
    const summary = busy(3600);
    expect(summary.workers[0]?.series.instances.length).toBeGreaterThan(3000);
    expect(Buffer.byteLength(reportHtml(summary))).toBeLessThanOrEqual(most);
  });

  test('of an hour of ten workers, and of many hours, too', () => {
    const { workers, criteria, ...rest } = summarise(badHour());
    const names = Array.from({ length: 10 }, (_, i) => `worker_${i}`);
    const ten: Summary = {
      ...rest,
      workers: names.flatMap((name) => workers.map((one) => ({ ...one, name }))),
      criteria: names.flatMap((worker) => criteria.map((one) => ({ ...one, worker }))),
    };
    expect(Buffer.byteLength(reportHtml(ten))).toBeLessThanOrEqual(most);
    const long = summarise(tell({ seconds: 4 * 3600, lookEvery: 60 }));
    expect(long.workers[0]?.minutes.length).toBeGreaterThan(200);
    expect(Buffer.byteLength(reportHtml(long))).toBeLessThanOrEqual(most);
    expect(readHtml(reportHtml(long))).toContain('The rows of each minute stand in the JSON form');
  });

  test('a report in a ticket fits into one', () => {
    expect(reportMarkdown(busy(3600)).length).toBeLessThan(65_536);
  });
});
