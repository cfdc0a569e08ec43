// The file of a watch: written line by line, read back whole, also when a crash has cut it off.
import { describe, expect, test } from 'vitest';
import { readWatch } from '../../src/monitor/records.ts';
import { Problem } from '../../src/problem.ts';
import { badHour, goodHour, printed } from '../support/watchStory.ts';

describe('the records of a watch', () => {
  test.each([
    ['a good hour', goodHour()],
    ['a bad hour', badHour()],
  ])('%s reads back as it was, although unchanged samples are written short', (_, story) => {
    const text = printed(story);
    const read = readWatch('/w.jsonl', text);
    expect(read).toEqual({ path: '/w.jsonl', torn: false, start: story.start, records: story.records });
    // Criterion (c)4: at most 2 MB an hour.
    expect(text.length).toBeLessThan(1_000_000);
  });

  test('cut off at any byte, what stands before the last line is there', () => {
    const text = printed(goodHour());
    const whole = text.split('\n');
    for (let at = text.indexOf('\n') + 1; at < 4000; at += 7) {
      const read = readWatch('/w.jsonl', text.slice(0, at));
      if (read === 'empty') throw new Error('empty');
      const lines = text.slice(0, at).split('\n').length - 1;
      expect(read.records).toHaveLength(lines - 1);
      expect(read.torn).toBe(text[at - 1] !== '\n');
    }
    expect(whole.length).toBeGreaterThan(3600);
  });

  test('a line that was torn before a --resume is left out, the rest is read', () => {
    const lines = printed(goodHour()).split('\n');
    const torn = [...lines.slice(0, 10), (lines[10] ?? '').slice(0, 9), ...lines.slice(11)].join('\n');
    const read = readWatch('/w.jsonl', torn);
    expect(read === 'empty' ? 0 : read.records.length).toBe(goodHour().records.length - 1);
  });

  test('what is no watch, or one of a later version, is refused with the reason', () => {
    expect(readWatch('/w', '')).toBe('empty');
    expect(() => readWatch('/w', '{"is":"sample"}\n')).toThrow(Problem);
    const later = printed(goodHour()).replace('"schema":1', '"schema":99');
    expect(() => readWatch('/w', later)).toThrow(Problem);
  });
});
