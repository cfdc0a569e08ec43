// Bundles src/main.ts into dist/: split so that a command loads only what it needs, not minified so that what runs
// on a server can be read there, CommonJS because Node starts it faster, with V8's code cache for the quick commands.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { build, transform } from 'esbuild';

const version = JSON.parse(await readFile('package.json', 'utf8')).version;
const target = 'node20.17';

// `import text from './x.php?raw'` gives the file's text, as Vite does it in the tests.
const raw = {
  name: 'raw',
  setup(b) {
    b.onResolve({ filter: /\?raw$/ }, (args) => ({
      path: resolve(dirname(args.importer), args.path.slice(0, -4)),
      namespace: 'raw',
    }));
    b.onLoad({ filter: /.*/, namespace: 'raw' }, async (args) => ({
      contents: await readFile(args.path, 'utf8'),
      loader: 'text',
    }));
  },
};

// esbuild splits ES modules only; each chunk is turned into CommonJS afterwards, its source map carried along.
const { outputFiles } = await build({
  entryPoints: { main: 'src/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target,
  sourcemap: 'inline',
  sourcesContent: false,
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
  define: { __VERSION__: JSON.stringify(version) },
  plugins: [raw],
  logLevel: 'warning',
});
rmSync('dist', { recursive: true, force: true });
mkdirSync('dist/chunks', { recursive: true });
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
for (const { path, text } of outputFiles) {
  const { code, map } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target,
    sourcemap: 'external',
    sourcefile: basename(path),
    // import() of a chunk becomes require(): still loaded only when asked for.
    supported: { 'dynamic-import': false },
  });
  const file = relative(process.cwd(), path);
  // One byte a character and the module's function around it: bin/load.js hands the text to V8 as it is.
  const ascii = code.replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  writeFileSync(
    file,
    `(function (exports, require, module) { ${ascii}\n})\n//# sourceMappingURL=${basename(path)}.map\n`,
  );
  writeFileSync(`${file}.map`, map);
}

// A scan is run on a crontab of the usual forms: once to see which chunks it needs, which then stand in one file, and
// once more to keep what V8 has compiled of them.
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-build-'));
const crontab = join(scratch, 'crontab');
writeFileSync(
  crontab,
  `SHELL=/bin/bash
*/5 * * * * cd /srv && /usr/bin/php worker.php --once >> /srv/log 2>&1
*/2 * * * *  php httpdocs/scripts/process_import_jobs.php
0 3 1-7,15 */2 sun  [ -x /usr/bin/php ] && nice -n 10 /usr/bin/php -q "/srv/a b.php" --daily > /dev/null 2>&1
@daily find /tmp -name "a b" -exec rm {} \\; # \\%
`,
);
const scan = (atExit) => {
  const code = `process.argv.splice(1, 0, 'cronlatch');
    const program = require(${JSON.stringify(resolve('bin/load.js'))});
    process.on('exit', () => { ${atExit} });
    program.start('main.js');`;
  const line = ['scan', '--file', crontab, '--fail-on', 'never', '--state-dir', scratch];
  const ran = spawnSync(process.execPath, ['-e', code, '--', ...line], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (ran.status !== 0) throw new Error(`the build's scan ended with ${ran.status}: ${ran.stderr}`);
  return ran.stderr.toString();
};
const used = JSON.parse(scan('process.stderr.write(JSON.stringify(program.used()));'));
const chunks = await Promise.all(
  used.map(async (file) => {
    const text = await readFile(join('dist', file), 'utf8');
    return `${JSON.stringify(file)}: ${text.replace(/\n\/\/# sourceMappingURL.*\n?$/, '')}`;
  }),
);
writeFileSync('dist/quick.js', `({\n${chunks.join(',\n')}\n})\n`);
scan('program.keepCache();');
rmSync(scratch, { recursive: true, force: true });
