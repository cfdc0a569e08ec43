// The laws of docs/how-it-works.md, held by reading the imports of every source file.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => `src/${name}`);

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
  readonly lazy: boolean;
}

const text = (file: string): string => readFileSync(join(root, file), 'utf8');

function importsOf(file: string): Import[] {
  const source = text(file);
  const found: Import[] = [];
  for (const match of source.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'";]*?from\s+)?'([^']+)';/gm)) {
    const named = /\{([^}]*)\}/.exec(match[0])?.[1];
    const everyNameIsType =
      named?.split(',').every((n) => n.trim() === '' || n.trim().startsWith('type ')) === true;
    found.push({ from: match[2] ?? '', typeOnly: match[1] !== undefined || everyNameIsType, lazy: false });
  }
  for (const match of source.matchAll(/\bimport\('([^']+)'\)/g))
    found.push({ from: match[1] ?? '', typeOnly: false, lazy: true });
  return found;
}

/** A relative import as a path from the root. */
const target = (file: string, from: string): string => relative(root, resolve(root, dirname(file), from));
const inside = (path: string, ...places: readonly string[]): boolean =>
  places.some((place) => path === place || path.startsWith(`${place}/`));

/** Computing, not I/O: a hash and a conversion give the same for the same input. */
const pureModules = new Set(['node:crypto', 'node:buffer', 'node:path/posix']);
const pure = [
  'src/crontab',
  'src/command',
  'src/worker',
  'src/change',
  'src/plan',
  'src/database',
  'src/plesk',
  ...['records', 'ledger', 'incidents', 'databaseIncidents', 'ticks', 'criteria', 'figures', 'summary'].map(
    (name) => `src/monitor/${name}.ts`,
  ),
  'src/survey/findings.ts',
  'src/survey/columns.ts',
  'src/survey/suppress.ts',
  'src/survey/version.ts',
  'src/survey/rules',
  'src/survey/facts.ts',
];
/** Reads a saved plan through the port; it decides nothing. */
const throughThePort = new Set(['src/plan/saved.ts']);

describe('the laws', () => {
  test('what decides does no I/O: no node: module, no driver, no clock, no randomness', () => {
    const broken: string[] = [];
    for (const file of files.filter((f) => inside(f, ...pure))) {
      for (const { from } of importsOf(file)) {
        if ((from.startsWith('node:') || builtinModules.includes(from)) && !pureModules.has(from))
          broken.push(`${file} imports ${from}`);
        if (['execa', 'mysql2', 'inquirer', 'chalk'].includes(from)) broken.push(`${file} imports ${from}`);
      }
      const code = text(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      for (const forbidden of [
        /\bDate\.now\(/,
        /\bnew Date\(\)/,
        /\bMath\.random\(/,
        /\bprocess\.(?!pid\b)/,
        /\bsetTimeout\(/,
      ]) {
        if (forbidden.test(code)) broken.push(`${file} uses ${forbidden.source}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('what decides knows the server only by its types', () => {
    const broken = files
      .filter((f) => inside(f, ...pure) && !throughThePort.has(f))
      .flatMap((file) =>
        importsOf(file)
          .filter(
            ({ from, typeOnly }) =>
              !typeOnly && from.startsWith('.') && inside(target(file, from), 'src/server'),
          )
          .map(({ from }) => `${file} imports ${from}`),
      );
    expect(broken).toEqual([]);
  });

  test('only server/ touches files and processes; main reads its own config file', () => {
    const machine = new Set([
      'node:fs',
      'node:fs/promises',
      'node:child_process',
      'node:os',
      'node:net',
      'node:http',
      'node:worker_threads',
    ]);
    const broken = files
      .filter((f) => !inside(f, 'src/server') && f !== 'src/main.ts')
      .flatMap((file) =>
        importsOf(file)
          .filter(({ from }) => machine.has(from))
          .map(({ from }) => `${file} imports ${from}`),
      );
    expect(broken).toEqual([]);
  });

  test('only main.ts builds a Server', () => {
    const broken = files
      .filter((f) => f !== 'src/main.ts' && !inside(f, 'src/server'))
      .flatMap((file) =>
        importsOf(file)
          .filter(
            ({ from, typeOnly }) =>
              !typeOnly &&
              from.startsWith('.') &&
              inside(target(file, from), 'src/server') &&
              !['src/server/stage.ts'].includes(target(file, from)),
          )
          .map(({ from }) => `${file} imports ${from}`),
      );
    expect(broken).toEqual([]);
  });

  test('each dependency has one home, and heavy ones are loaded only when a command needs them', () => {
    const homes: Record<string, { home: string; lazyAt: string }> = {
      execa: { home: 'src/server/programs.ts', lazyAt: 'here' },
      inquirer: { home: 'src/ask/prompter.ts', lazyAt: 'here' },
      'cron-parser': { home: 'src/crontab/walker.ts', lazyAt: 'src/crontab/schedule.ts' },
      chalk: { home: 'src/show/theme.ts', lazyAt: 'here' },
      diff: { home: 'src/show/diff.ts', lazyAt: 'here' },
      'php-parser': { home: 'src/worker/phpParser.ts', lazyAt: 'src/worker/tree.ts' },
      acorn: { home: 'src/worker/tree.ts', lazyAt: 'here' },
      mysql2: { home: 'src/server/database.ts', lazyAt: 'here' },
      unbash: { home: 'src/command', lazyAt: 'nowhere' },
    };
    const used = new Set<string>();
    for (const file of files) {
      for (const { from, lazy, typeOnly } of importsOf(file)) {
        if (from.startsWith('.') || from.startsWith('node:')) continue;
        const rule = homes[from];
        expect(rule, `${file} imports ${from}`).toBeDefined();
        if (rule === undefined) continue;
        used.add(from);
        expect(inside(file, rule.home), `${file} imports ${from}, which lives in ${rule.home}`).toBe(true);
        if (rule.lazyAt === 'here' && !typeOnly) expect(lazy, `${file} loads ${from} at start-up`).toBe(true);
        if (rule.lazyAt.startsWith('src/')) {
          const loaders = files.flatMap((f) =>
            importsOf(f)
              .filter((i) => i.from.startsWith('.') && target(f, i.from) === file)
              .map((i) => ({ f, ...i })),
          );
          for (const loader of loaders)
            expect(loader.lazy, `${loader.f} loads ${from} at start-up`).toBe(true);
        }
      }
    }
    expect([...used].sort()).toEqual(Object.keys(homes).sort());
    // They are bundled when the program is built: who installs it downloads nothing else.
    const { bundled, devDependencies, ...more } = JSON.parse(text('package.json')) as {
      bundled: string[];
      devDependencies: Record<string, string>;
    };
    expect([...bundled].sort()).toEqual(Object.keys(homes).sort());
    for (const name of bundled) expect(devDependencies[name]).toMatch(/^\d+\.\d+\.\d+$/);
    expect(more).not.toHaveProperty('dependencies');
  });

  test('a password is told to the driver and to nobody else', () => {
    const told = files.filter((file) => /\breveal\(/.test(text(file)));
    expect(told).toEqual(['src/database/secret.ts', 'src/server/database.ts']);
  });

  test('apply knows neither plans being made nor commands, questions or the screen', () => {
    const broken = files
      .filter((f) => inside(f, 'src/apply'))
      .flatMap((file) =>
        importsOf(file)
          .filter(
            ({ from }) =>
              from.startsWith('.') &&
              inside(target(file, from), 'src/plan', 'src/commands', 'src/ask', 'src/show'),
          )
          .map(({ from }) => `${file} imports ${from}`),
      );
    expect(broken).toEqual([]);
  });

  test('nothing imports in a circle', () => {
    const graph = new Map(
      files.map((file) => [
        file,
        importsOf(file)
          .filter((i) => i.from.startsWith('.') && !i.from.endsWith('?raw') && !i.typeOnly)
          .map((i) => target(file, i.from)),
      ]),
    );
    const circles: string[] = [];
    const done = new Set<string>();
    const walk = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file);
      if (at !== -1) {
        circles.push([...path.slice(at), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(circles).toEqual([]);
  });

  test('no drawer for odds and ends, no barrel, no catch-all name, one error class', () => {
    expect(files.filter((f) => /\b(utils?|helpers?|common|shared|misc|index)\b/i.test(f))).toEqual([]);
    const classes = files.flatMap((file) =>
      [...text(file).matchAll(/^(?:export )?class (\w+)/gm)].map((m) => `${file}: ${m[1]}`),
    );
    expect(classes).toEqual(['src/problem.ts: Problem']);
    expect(
      files.filter((file) => /\b\w+(Manager|Service|Helper)\b/.test(text(file).replace(/\/\/.*$/gm, ''))),
    ).toEqual([]);
  });

  test('every file says in its first line what it is for', () => {
    expect(files.filter((file) => !text(file).startsWith('// '))).toEqual([]);
  });

  test('the lockfile names no registry host', () => {
    expect(text('package-lock.json')).not.toMatch(/https?:\/\/[^"]*\.tgz/);
  });

  test('the lockfile has every platform’s optional package, or npm ci refuses it', () => {
    const lock = JSON.parse(text('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies).filter(
        (name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)),
      ),
    );
    expect(missing).toEqual([]);
  });
});
