// templates/ci and the config files of the docs: what can be told of them without GitHub and GitLab.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { onlyFlags, readAnswers } from '../../src/ask/config.ts';
import { flagNames, readLine } from '../../src/cli/line.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const templates = readdirSync(join(root, 'templates/ci'));

const parse = (name: string): Record<string, unknown> => {
  const document = parseDocument(read(`templates/ci/${name}`), { strict: true, uniqueKeys: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS();
};

/** Keys of GitLab's documentation that our template may use. */
const gitlab = [
  'stage',
  'image',
  'extends',
  'script',
  'before_script',
  'artifacts',
  'rules',
  'resource_group',
  'environment',
];

describe('templates/ci', () => {
  test.each(templates)(
    '%s: every cronlatch line is one that cronlatch understands, and asks nobody',
    (name) => {
      const lines = [
        ...read(`templates/ci/${name}`)
          .replace(/ \\\n\s+/g, ' ')
          .matchAll(/^(?!#).*?\bcronlatch ((?:scan|deploy) .*?)\s*(?:>.*)?$/gm),
      ];
      expect(lines.length).toBeGreaterThan(0);
      for (const [, words = ''] of lines) {
        const line = readLine(words.split(/\s+/));
        if (line.command === 'deploy')
          expect('ci' in line.flags || 'dry-run' in line.flags, words).toBe(true);
      }
    },
  );

  // GitHub's own parser. It imports its JSON in a way that Node 20 refuses, so it is bundled first.
  const bundle = buildSync({
    stdin: { contents: `export * from '@actions/workflow-parser'`, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  const made = { exports: {} as typeof import('@actions/workflow-parser') };
  new Function('module', 'exports', 'require', bundle.outputFiles[0]?.text ?? '')(
    made,
    made.exports,
    createRequire(import.meta.url),
  );
  const { NoOperationTraceWriter, parseWorkflow } = made.exports;
  const lint = (name: string, content: string): string[] =>
    parseWorkflow({ name, content }, new NoOperationTraceWriter())
      .context.errors.getErrors()
      .map(({ message }) => message);

  test.each(templates.filter((name) => name.startsWith('github')))(
    '%s is a workflow to GitHub’s own parser, with the least rights, and runs no text of others as a script',
    (name) => {
      expect(lint(name, read(`templates/ci/${name}`))).toEqual([]);
      const workflow = parse(name) as {
        jobs: Record<string, { steps: { run?: string; uses?: string }[] }>;
        permissions: Record<string, string>;
      };
      expect(workflow.permissions['contents']).toBe('read');
      for (const step of Object.values(workflow.jobs).flatMap((job) => job.steps)) {
        // What stands in an expression becomes part of the script: a branch could be named like a command.
        expect(step.run ?? '').not.toContain('${{');
        expect(step.uses ?? 'a/b@v1').toMatch(/^[\w-]+\/[\w/-]+@v\d+$/);
      }
    },
  );

  test('a workflow with a slip is told by that parser', () => {
    expect(lint('x', 'on: push\njobs:\n  a:\n    runs-on: x\n    stepz: []\n')).not.toEqual([]);
  });

  test('gitlab-ci.yml has the keys of jobs, and every stage and every job that one extends is there', () => {
    const { stages, ...jobs } = parse('gitlab-ci.yml') as { stages: string[] } & Record<
      string,
      Record<string, unknown>
    >;
    for (const [name, job] of Object.entries(jobs)) {
      expect(
        Object.keys(job).filter((key) => !gitlab.includes(key)),
        name,
      ).toEqual([]);
      if (!name.startsWith('.')) expect(stages).toContain(job['stage']);
      if (job['extends'] !== undefined) expect(Object.keys(jobs)).toContain(job['extends']);
      for (const line of (job['script'] ?? []) as unknown[]) expect(typeof line).toBe('string');
    }
  });
});

describe('cronlatch.config.json', () => {
  const schema = JSON.parse(read('docs/schema/config-1.json'));
  const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false }).compile(schema);
  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(read('docs/ci.md'))?.[1] ?? '');

  test('the example of docs/ci.md is read, and fits the schema that ships', () => {
    expect(readAnswers('example', example, flagNames()).workers).toHaveLength(2);
    expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
  });

  test('the schema knows every answer a file may give, and no other', () => {
    const answers = flagNames().filter((name) => !onlyFlags.has(name));
    expect(Object.keys(schema.properties).sort()).toEqual(['$schema', ...answers, 'workers'].sort());
  });

  test.each([
    [{ workers: [{ script: 'a' }, { user: 'x' }] }],
    [{ workers: [{ script: 'a', entry: 1 }] }],
    [{ workers: [{ script: 'a', ci: true }] }],
    [{ workers: [{ script: 'a', yes: true }] }],
    [{ all: true, workers: [{ script: 'a' }] }],
    [{ nonsense: 1 }],
  ])('%j fits neither the schema nor the program', (config) => {
    expect(validate(config)).toBe(false);
    expect(() => readAnswers('c', config as Record<string, unknown>, flagNames())).toThrow();
  });
});
