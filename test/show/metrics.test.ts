// The metrics are what node_exporter's textfile collector reads: every sample declared, no value that is none.
import { describe, expect, test } from 'vitest';
import { summarise } from '../../src/monitor/summary.ts';
import { metricsText } from '../../src/show/metrics.ts';
import { badHour, goodHour, type Story, tell } from '../support/watchStory.ts';

/** Values by name and labels; throws on a line of another shape, a sample without a type, or one that comes twice. */
function read(text: string): Map<string, number> {
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z_]+) (gauge|counter)$/.exec(line);
    if (type) {
      expect(types.has(type[1] ?? ''), line).toBe(false);
      types.set(type[1] ?? '', type[2] ?? '');
      continue;
    }
    if (/^# HELP [a-z_]+ \S.*\.$/.test(line)) continue;
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)+\}) (-?\d+(?:\.\d+)?)$/.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name = '', labels = '', value = ''] = sample ?? [];
    expect(types.has(name), line).toBe(true);
    expect(name.endsWith('_total')).toBe(types.get(name) === 'counter');
    expect(values.has(name + labels), line).toBe(false);
    values.set(name + labels, Number(value));
  }
  return values;
}

const of = (story: Story): Map<string, number> => read(metricsText(summarise(story)));
const who = 'worker="process_import_jobs",user="example-user"';

describe('the metrics of a watch', () => {
  test('of a good hour', () => {
    const values = of(goodHour());
    expect(values.get(`worker_db_connections{${who}}`)).toBe(1);
    expect(values.get(`worker_db_connections_limit{${who}}`)).toBe(5);
    expect(values.get(`worker_connect_refused_total{${who},by="counter_high"}`)).toBe(0);
    expect(values.get(`worker_jobs{${who},status="done"}`)).toBe(119);
    expect(values.get(`worker_verify_ok{${who}}`)).toBe(1);
    expect(values.get(`worker_last_success_timestamp_seconds{${who}}`)).toBe(
      Date.UTC(2026, 10, 24, 10, 58, 21) / 1000,
    );
  });

  test('of a bad hour', () => {
    const values = of(badHour());
    expect(values.get(`worker_db_connections_peak{${who}}`)).toBe(5);
    expect(values.get(`worker_instances_peak{${who}}`)).toBe(2);
    expect(values.get(`worker_connect_refused_total{${who},by="log"}`)).toBe(1);
    // One in the middle, and two after the last run of the story.
    expect(values.get(`worker_ticks_missed_total{${who}}`)).toBe(3);
    expect(values.get(`worker_verify_ok{${who}}`)).toBe(0);
  });

  test('what is not known is left out, whole', () => {
    const bare = { log: undefined as never, database: undefined as never, due: [] };
    const story = tell({ seconds: 5, watched: bare, runs: [], lookEvery: 99 });
    const text = metricsText(
      summarise({ ...story, records: story.records.filter(({ is }) => is !== 'database') }),
    );
    read(text);
    expect(text).not.toMatch(/connections|worker_verify_ok|last_success/);
  });

  test('a name with quotes, backslashes and newlines stays one label', () => {
    const values = of(tell({ seconds: 5, watched: { name: 'a"b\\c\nd', due: [] }, runs: [] }));
    expect([...values.keys()].every((key) => key.includes('worker="a\\"b\\\\c\\nd"'))).toBe(true);
  });
});
