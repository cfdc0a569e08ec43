// Real shapes of scripts: with the guard in it each still is one, says the same, and comes back to the byte.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { localServer } from '../../src/server/local.ts';
import type { Job } from '../../src/survey/facts.ts';
import { tokensOf } from '../../src/survey/tokens.ts';
import { entryFlags } from '../../src/worker/entry.ts';
import { guardFile } from '../../src/worker/guard.ts';
import { type Injected, injectGuard } from '../../src/worker/inject.ts';
import { type Call, removeGuard } from '../../src/worker/line.ts';
import { guardFileName } from '../../src/worker/place.ts';

const place = mkdtempSync(join(tmpdir(), 'cronlatch-corpus-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const hasPhp = spawnSync('php', ['-v']).status === 0;
const php = hasPhp ? execFileSync('which', ['php'], { encoding: 'utf8' }).trim() : 'missing';

const corpus = (kind: 'php' | 'node') => {
  const directory = join(import.meta.dirname, '../corpus', kind);
  return readdirSync(directory)
    .sort()
    .map((name) => ({ name, source: readFileSync(join(directory, name), 'latin1') }));
};
const callOf = (kind: 'php' | 'node', name: string): Call => ({
  kind,
  dir: join(place, 'locks'),
  name: name.replace(/\W/g, '-'),
  guardPath: `./${guardFileName(kind)}`,
});
for (const directory of ['.', 'before', 'after']) {
  mkdirSync(join(place, directory), { recursive: true });
  for (const kind of ['php', 'node'] as const)
    writeFileSync(join(place, directory, guardFileName(kind)), guardFile(kind), 'latin1');
}

interface Said {
  readonly code: number | string | null;
  readonly out: string;
  readonly err: string;
}
/** Runs a program; the path of the file it was started with is taken out of what it says. */
const run = (program: string, args: readonly string[]): Promise<Said> =>
  new Promise((done) => {
    execFile(program, [...args], { encoding: 'latin1', cwd: place }, (error, out, err) =>
      done({
        code: error === null ? 0 : (error.code ?? null),
        out: out.replaceAll(args.at(-1) ?? '', 'FILE'),
        // A line more in the script moves the numbers in warnings; they stay warnings.
        err: err.replaceAll(args.at(-1) ?? '', 'FILE').replace(/line \d+/g, 'line N'),
      }),
    );
  });

function textOf(injected: Injected): string {
  expect(injected).toMatchObject({ is: 'injected' });
  return injected.is === 'injected' ? injected.text : '';
}

/** The file before and after, each in a directory with the guard beside it. */
function laid(name: string, before: string, after: string): { before: string; after: string } {
  const paths = { before: join(place, 'before', name), after: join(place, 'after', name) };
  writeFileSync(paths.before, before, 'latin1');
  writeFileSync(paths.after, after, 'latin1');
  return paths;
}

const phpSources = corpus('php');
const sources = join(import.meta.dirname, '../corpus/php');
/** What php-parser cannot read; the site's own PHP can. */
const beyondOurs = new Set(['attribute-multiline.php']);
/** `<?` is a tag only where php.ini says so: here it does. */
const phpFlags = ['-d', 'short_open_tag=1', '-d', 'display_errors=stderr', '-d', 'html_errors=0'];

describe.skipIf(!hasPhp).concurrent('PHP sources', () => {
  it('are at least sixty', () => expect(phpSources.length).toBeGreaterThanOrEqual(60));

  test.each(phpSources)('$name', async ({ name, source }) => {
    const call = callOf('php', name);
    const told = await tokensOf(localServer(), jobOf(join(sources, name), source));
    expect(told).toMatchObject({ is: 'tokens' });
    const text = textOf(await injectGuard(source, told === 'unasked' ? call : { ...call, tokens: told }));
    // Without the site's PHP our own parser finds the same place, or says that it does not know this syntax.
    const own = await injectGuard(source, call);
    if (beyondOurs.has(name)) expect(own).toMatchObject({ is: 'refused', why: 'unparsable' });
    else expect(textOf(own)).toBe(text);
    const paths = laid(name, source, text);
    expect(removeGuard(text)).toEqual({ is: 'removed', text: source });
    expect(await injectGuard(text, call)).toMatchObject({ is: 'already' });

    const [judged, old, now] = await Promise.all([
      run(php, [...phpFlags, '-l', paths.after]),
      run(php, [...phpFlags, paths.before]),
      run(php, [...phpFlags, paths.after]),
    ]);
    expect(judged.code, judged.err + judged.out).toBe(0);
    expect(now).toEqual(old);
    expect(readFileSync(join(call.dir, `${call.name}.lock`), 'latin1')).toContain('"state":"done"');
  });
});

function jobOf(path: string, source: string): Job {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const flag = (value: string) => ({ value, raw: value, span: { start: 0, end: 0 } });
  return {
    interpreter: { kind: 'php', path: php },
    script: { path, file: { bytes: source } },
    command: { flags: [flag('-d'), flag('short_open_tag=1')] },
    owner,
  } as unknown as Job;
}

const nodeSources = corpus('node');
const asked = (name: string) => {
  const ending = extname(name);
  return ending === '.js' ? {} : { module: ending === '.mjs' ? ('esm' as const) : ('commonjs' as const) };
};
// Node tells a module by its ending or its package.json; by its syntax only from 20.19 and 22.7 on.
const isModule = ({ name }: { name: string }) => name.endsWith('.mjs');
const modules = nodeSources.filter(isModule);

describe.concurrent('Node sources', () => {
  it('are at least thirty', () => expect(nodeSources.length).toBeGreaterThanOrEqual(30));

  test.each(modules)('$name', async ({ name, source }) => {
    const call = callOf('node', name);
    const text = textOf(await injectGuard(source, { ...call, ...asked(name) }));
    const paths = laid(name, source, text);
    expect(removeGuard(text)).toEqual({ is: 'removed', text: source });
    expect(await injectGuard(text, { ...call, ...asked(name) })).toMatchObject({ is: 'already' });
    const [judged, old, now] = await Promise.all([
      run(process.execPath, ['--check', paths.after]),
      run(process.execPath, ['--no-warnings', paths.before]),
      run(process.execPath, ['--no-warnings', paths.after]),
    ]);
    expect(judged.code, judged.err).toBe(0);
    expect(old.code, old.err).toBe(0);
    expect(now).toEqual(old);
    expect(readFileSync(join(call.dir, `${call.name}.lock`), 'latin1')).toContain('"state":"done"');
  });

  test.each(nodeSources.filter(({ name }) => name.endsWith('.cjs')))(
    '$name keeps its source and has the guard in its entry',
    async ({ name, source }) => {
      const call = callOf('node', name);
      expect(await injectGuard(source, { ...call, ...asked(name) })).toMatchObject({
        is: 'refused',
        why: 'commonjs',
      });
      const paths = laid(name, source, source);
      const flags = entryFlags('node', { ...call, guardPath: join(place, guardFileName('node')) });
      const [old, now] = await Promise.all([
        run(process.execPath, [paths.before]),
        run(process.execPath, [...flags, paths.after]),
      ]);
      expect(old.code).toBe(0);
      expect(now).toEqual(old);
      expect(readFileSync(join(call.dir, `${call.name}.lock`), 'latin1')).toContain('"state":"done"');
    },
  );

  it('a .js file is taken for a module only where its syntax shows it', async () => {
    for (const { name, source } of nodeSources.filter((one) => one.name.endsWith('.js'))) {
      const injected = await injectGuard(source, callOf('node', name));
      expect([name, injected.is]).toEqual([name, name.startsWith('module') ? 'injected' : 'refused']);
    }
  });
});
