// The schema that ships is the one the program's flags make: editors and the program agree on what a config file may say.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ofTheRun } from '../../src/ask/config.ts';
import { configSchema } from '../../src/show/configSchema.ts';

test('docs/schema/config-1.json is what `npm run build` makes of the flags', () => {
  const path = resolve(import.meta.dirname, '../../docs/schema/config-1.json');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(configSchema());
});

test('what is about the whole run is no answer of one worker', () => {
  const { $defs } = configSchema() as { $defs: Record<string, { properties: object }> };
  const own = Object.keys($defs['one-of-the-workers']?.properties ?? {});
  expect(own).toContain('script');
  for (const name of ofTheRun) expect(own).not.toContain(name);
});
