// A password cannot be printed, whatever a careless line does with it.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { credentialsOf } from '../../src/database/credentials.ts';
import { isEmptySecret, reveal, secret } from '../../src/database/secret.ts';

const canary = 'canary-p#w;1';

test.each([
  ['String', (s: unknown) => String(s)],
  ['a template', (s: unknown) => `${s}`],
  ['adding', (s: unknown) => `x${s as string}`],
  ['JSON', (s: unknown) => JSON.stringify({ deep: [s] })],
  ['inspect', (s: unknown) => inspect(s, { showHidden: true, depth: 9, getters: true })],
  ['inspect of what holds it', (s: unknown) => inspect({ a: { b: s } }, { showHidden: true, depth: 9 })],
  [
    'its properties',
    (s: unknown) => JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(s as object)).map(String)),
  ],
  ['a copy', (s: unknown) => inspect({ ...(s as object) })],
  ['an error', (s: unknown) => new Error(`failed for ${s}`).stack ?? ''],
])('%s does not show it', (_, show) => {
  const one = secret(canary);
  expect(show(one)).not.toContain(canary);
  expect(show(credentialsOf({ user: 'u', password: canary }))).not.toContain(canary);
});

test('the driver gets it, and an empty one is told from a forgotten one', () => {
  expect(reveal(secret(canary))).toBe(canary);
  expect([secret(''), secret(canary)].map(isEmptySecret)).toEqual([true, false]);
});
