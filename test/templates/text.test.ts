// What can be read off the guards' text, and that what stands behind the guard's line is not reached by a refused start.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kinds, stage } from './harness.ts';

const template = (path: string): string =>
  readFileSync(new URL(`../../templates/${path}`, import.meta.url), 'utf8');
/** Without comments: they name what is not done. */
const codeOf = (path: string): string => template(path).replace(/^\s*(?:\/\/|\*|\/\*\*).*$|\s\/\/ .*$/gm, '');

describe('#22: the lock is never unlocked, emptied, closed or deleted, and no PID decides', () => {
  it('in PHP', () => {
    const code = codeOf('php/cronlatch-guard.php');
    expect(code).not.toMatch(/LOCK_UN|ftruncate/);
    expect(code).not.toMatch(/posix_kill\([^)]*, 0\)/);
    expect(code.match(/fopen\([^)]*\)/g)).toEqual([
      "fopen($lock, $this->options['lockChildren'] ? 'c+' : 'c+e')",
      'fopen(dirname($this->path)', // the directory, for the moment of publishing a PID
      "fopen('php://stderr', 'w')",
    ]);
    // The one handle that is closed is one that got no lock, or that of a file no longer at the path.
    expect(code.match(/.*fclose.*/g)).toEqual([
      expect.stringContaining("($got = $this->tryLock()) !== 'got'; fclose($this->fp)"),
    ]);
    const deleted = [...code.matchAll(/unlink\(([^)]*)\)/g)].map((match) => match[1]);
    expect(new Set(deleted)).toEqual(
      new Set(['$mine', '$file', "$this->path . '.pid'", "$this->path . '.stuck'"]),
    );
    expect(code).toContain("$file = $this->path . '.pid';");
    expect(code.match(/rename\([^)]*\)/g)?.filter((call) => /\.lock/.test(call))).toEqual([]);
  });

  it('in Node', () => {
    const code = codeOf('node/cronlatch-guard.mjs');
    expect(code).not.toMatch(/truncate|process\.kill\([^)]*, 0\)/);
    expect(code.match(/.*closeSync\(.*/g)?.map((line) => line.trim())).toEqual([
      'for (let replaced = 0; ; closeSync(guard.fd)) {',
      'if (door !== undefined) closeSync(door);', // the directory, for the moment of publishing a PID
      'if (fd !== undefined) closeSync(fd);', // status: a look of its own
    ]);
    const deleted = [...code.matchAll(/(?:remove|unlinkSync)\((.*?)\)[;)]/g)].map((match) => match[1]);
    expect(deleted.filter((what) => /lock/.test(what ?? ''))).toEqual([]);
    expect(code.match(/renameSync\([^)]*\)/g)?.filter((call) => /\.lock/.test(call))).toEqual([]);
  });
});

describe('#17: the guard comes before the autoloader', () => {
  let at: ReturnType<typeof stage>;
  beforeEach(() => {
    at = stage();
  });
  afterEach(() => at.end());

  it.each(kinds)('%s: a refused start loads nothing of the application', async (kind) => {
    const loaded = join(at.root, 'loaded');
    mkdirSync(join(at.root, 'vendor'));
    writeFileSync(
      join(at.root, 'vendor/autoload.php'),
      `<?php file_put_contents('${loaded}', "x", FILE_APPEND);`,
    );
    writeFileSync(
      join(at.root, 'vendor/app.mjs'),
      `import { appendFileSync } from 'node:fs';\nappendFileSync('${loaded}', 'x');`,
    );
    const script = at.script(kind);
    const text = readFileSync(script, 'utf8');
    writeFileSync(
      script,
      kind === 'php'
        ? text.replace(']);', "]);\nrequire __DIR__ . '/vendor/autoload.php';")
        : text.replace("';\n", "';\nimport './vendor/app.mjs';\n"),
    );
    const first = at.start([kind, script, 'block']);
    await first.says('ran');
    expect(readFileSync(loaded, 'utf8')).toBe('x');
    expect(await at.run([kind, script])).toMatchObject({ code: 0, out: '', err: '' });
    expect(readFileSync(loaded, 'utf8')).toBe('x');
  });
});
