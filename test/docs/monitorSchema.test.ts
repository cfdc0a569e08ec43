// The report of a watch as JSON against the schema that ships with the package.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { summarise } from '../../src/monitor/summary.ts';
import { reportJson } from '../../src/show/reportJson.ts';
import { badHour, goodHour, moment, tell } from '../support/watchStory.ts';

const schema = (name: string) =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, '../../docs/schema', name), 'utf8'));
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
ajv.addSchema(schema('monitor-1.json'));
const validate = ajv.compile(schema('monitor-report-1.json'));
const faults = (document: unknown): string[] => {
  validate(JSON.parse(JSON.stringify(document)));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
};
const stories = {
  'a good hour': goodHour(),
  'a bad hour': badHour(),
  'one without a guard, a log and a database': tell({
    watched: { lock: undefined, log: undefined } as never,
  }),
  'one that was cut off at once': tell({ seconds: 10, end: 'none' }),
  'one whose clock was set': tell({
    more: [{ is: 'gap', ...moment(90), from: 90, to: 90, why: 'clock', jump: -5000 }],
  }),
};

describe('the report of a watch', () => {
  test.each(Object.entries(stories))('%s', (_, story) => {
    const summary = summarise(story);
    expect(faults(JSON.parse(reportJson(summary)))).toEqual([]);
  });

  test('one that lacks what was promised is refused', () => {
    const whole = summarise(badHour());
    for (const key of Object.keys(whole).filter((name) => name !== 'firstViolation'))
      expect(faults({ ...whole, [key]: undefined }), key).not.toEqual([]);
    expect(faults({ ...whole, workers: [{ ...whole.workers[0], ticks: {} }] })).not.toEqual([]);
  });
});
