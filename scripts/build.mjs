// Bundles src/main.ts into dist/main.js, and what a scan needs of it into dist/scan.js: not minified, so that what runs on
// a server can be read there; CommonJS, because Node starts it faster; each module set up when it is first imported. Each dependency is a file
// of its own in dist/deps, read when it is called. dist/cache has V8's code cache for the usual commands.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';

const { version, bundled } = JSON.parse(await readFile('package.json', 'utf8'));
const common = {
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'node',
  target: 'node20.17',
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  outdir: 'dist',
};

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

// Loaded when one of these is first called: most texts need no full shell parser, and most commands no digest, which
// brings Node's streams and ciphers with it.
const late = { unbash: ['parse', 'forEachChild'], 'node:crypto': ['createHash'] };
const deps = {
  name: 'deps',
  setup(b) {
    b.onResolve({ filter: /^node:/, namespace: 'deps' }, ({ path }) => ({ path, external: true }));
    const names = [...bundled, 'node:crypto'].map((name) => name.replaceAll('-', '\\-'));
    b.onResolve({ filter: new RegExp(`^(?:${names.join('|')})$`) }, (args) => ({
      path: args.path,
      namespace: 'deps',
    }));
    b.onLoad({ filter: /.*/, namespace: 'deps' }, ({ path }) => {
      const file = JSON.stringify(path.startsWith('node:') ? path : `./deps/${path}.js`);
      if (late[path] === undefined) return { contents: `module.exports = require(${file});` };
      const functions = late[path].map(
        (name) => `export function ${name}(...args) { return (real ??= require(${file})).${name}(...args); }`,
      );
      return { contents: `let real;\n${functions.join('\n')}\n` };
    });
    b.onResolve({ filter: /^\.\/deps\// }, ({ path }) => ({ path, external: true }));
  },
};

// A scan needs half of the program and asks nobody, and what V8 has to take up at its start grows with the file: it has one of its own,
// which bin/cronlatch.js takes only for command lines that begin with `scan`, or ask for help or the version.
const scanAlone = {
  name: 'scan-alone',
  setup(b) {
    b.onResolve(
      { filter: /^\.\/(?:commands\/|ask\/(?:prompter|plainPrompter)\.ts$|(?:database|sockets|web)\.ts$)/ },
      ({ path, kind }) =>
        kind === 'dynamic-import' && !['./commands/scan.ts', './commands/trust.ts'].includes(path)
          ? { path, namespace: 'left-out' }
          : undefined,
    );
    b.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is in dist/main.js`)});`,
    }));
  },
};

const define = { __VERSION__: JSON.stringify(version) };
const whole = { ...common, entryPoints: { main: 'src/main.ts' }, define, plugins: [raw, deps] };
const own = await build(whole);
const scanning = await build({
  ...whole,
  entryPoints: { scan: 'src/main.ts' },
  plugins: [scanAlone, raw, deps],
});
const foreign = await build({
  ...common,
  metafile: true,
  entryPoints: Object.fromEntries(bundled.map((name) => [`deps/${name}`, name])),
});

// esbuild copies the hundred functions of a module of Node's into an object of their own at every import, for the sake of a
// `default` that nobody here asks for: the module itself does as well, and a start is a millisecond shorter.
function plainRequires(text) {
  return text.replace(/\b(\w+) = __toESM\(require\(("node:\w+")\)(?:, 1)?\)/g, (copied, name, module) =>
    text.includes(`${name}.default`) ? copied : `${name} = require(${module})`,
  );
}

// All of it in one file, for servers that have a Node (Plesk's own, say) and no npm. Its syntax is that of Node 12, so that
// an old one gets to read which it needs instead of a syntax error.
const single = await build({
  ...common,
  entryPoints: { cronlatch: 'src/main.ts' },
  outExtension: { '.js': '.cjs' },
  define,
  plugins: [raw],
  target: 'node12',
  sourcemap: false,
  minifySyntax: true,
  banner: {
    js: `#!/usr/bin/env node
'use strict';
var cronlatchNode = process.versions.node.split('.').map(Number);
if (cronlatchNode[0] < 20 || (cronlatchNode[0] === 20 && cronlatchNode[1] < 17)) {
  process.stderr.write('cronlatch needs Node 20.17 or newer; this is ' + process.versions.node + '.\\nOn Plesk newer ones are in /opt/plesk/node/.\\n');
  process.exit(2);
}`,
  },
});

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist/deps', { recursive: true });
writeFileSync('dist/package.json', '{ "type": "commonjs" }\n');
for (const { path, text, contents } of [
  ...own.outputFiles,
  ...scanning.outputFiles,
  ...foreign.outputFiles,
]) {
  if (path.endsWith('.map')) {
    writeFileSync(path, contents);
    continue;
  }
  // One byte a character and the module's function around it: bin/cronlatch.js hands the text to V8 as it is.
  const ascii = plainRequires(text).replace(
    /[^\x00-\x7f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const name = path.slice(path.lastIndexOf('/') + 1);
  writeFileSync(
    path,
    `(function (exports, require, module) { ${ascii}\n})\n//# sourceMappingURL=${name}.map\n`,
  );
}

for (const { path, contents } of single.outputFiles) writeFileSync(path, contents, { mode: 0o755 });

// What others wrote goes out with what they ask for it: their names and their licences, of each package that is in a bundle.
const homes = new Set(
  Object.keys(foreign.metafile.inputs).flatMap(
    (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  ),
);
const licences = [...homes].sort().map((home) => {
  const { name, version: its, license } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const file = readdirSync(home).find((one) => /^licen[cs]e/i.test(one));
  const words =
    file === undefined
      ? `(${license}; the package has no file of it)`
      : readFileSync(join(home, file), 'utf8');
  return `${name} ${its} (${license})\n\n${words.trim()}\n`;
});
writeFileSync('dist/LICENSES.txt', licences.join(`\n${'-'.repeat(80)}\n\n`));

/** What a source file of ours exports. */
async function exportsOf(file) {
  const { outputFiles } = await build({
    ...common,
    sourcemap: false,
    entryPoints: { made: file },
    plugins: [raw, deps],
  });
  const made = { exports: {} };
  new Function('module', 'exports', 'require', outputFiles[0].text)(
    made,
    made.exports,
    createRequire(import.meta.url),
  );
  return made.exports;
}

// The schema of config files comes from the table of flags, too; it is kept under docs, where editors find it.
const { configSchema } = await exportsOf('src/show/configSchema.ts');
const schema = 'docs/schema/config-1.json';
const described = `${JSON.stringify(configSchema(), null, 2)}\n`;
if (!existsSync(schema) || readFileSync(schema, 'utf8') !== described) writeFileSync(schema, described);

// The manual page is made of the same table as --help. It carries the day of the last commit, so that a build can be repeated.
const { manual } = await exportsOf('src/show/manual.ts');
const day = spawnSync('git', ['log', '-1', '--format=%cs'], { encoding: 'utf8' }).stdout?.trim();
writeFileSync('dist/cronlatch.1', manual(version, day || new Date().toISOString().slice(0, 10)));

// The usual commands are run on a crontab of the usual forms, and what V8 has compiled for them is kept.
const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-build-'));
const crontab = join(scratch, 'crontab');
writeFileSync(
  crontab,
  `SHELL=/bin/bash
*/5 * * * * cd /srv && /usr/bin/php worker.php --once >> /srv/log 2>&1
*/2 * * * *  php httpdocs/scripts/process_import_jobs.php
0 3 1-7,15 */2 sun  [ -x /usr/bin/php ] && nice -n 10 /usr/bin/php -q "/srv/a b.php" --daily > /dev/null 2>&1
@daily find /tmp -name "a b" -exec rm {} \\; # \\%
0 4 * * * /usr/bin/mysqldump shop | gzip > /srv/shop-$(date +\\%F).gz
0 5 * * * ( sleep 30; cd /srv && php worker.php )
0 5 * * * cd /srv/shop && /opt/plesk/php/8.3/bin/php artisan schedule:run >> /dev/null 2>&1
* * * * * cd /srv/shop && /usr/bin/php worker.php > /srv/log-$(date +%F)
* * * * * www-data cd /srv && php worker.php
0,30 9-17 * jan-jun mon-fri /usr/local/bin/backup.sh --all % a line % another
`,
);
const run = (keep, ...line) => {
  const file = join(scratch, `crontab-${line[0]}`);
  cpSync(crontab, file);
  const code = `process.argv.splice(1, 0, 'cronlatch');
    const program = require(${JSON.stringify(resolve('bin/cronlatch.js'))});
    process.on('exit', () => { for (const [file, name] of ${JSON.stringify(keep)}) program.keepCache(file, name); });
    program.start();`;
  const words = [...line, '--file', file, '--state-dir', join(scratch, 'state')];
  const ran = spawnSync(process.execPath, ['-e', code, '--', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // Without its cache a command works too, only slower: no reason to leave somebody without a program.
  if (ran.status !== 0)
    console.warn(`no cache for ${line[0]}, which ended with ${ran.status}: ${ran.stderr}`);
};
run(
  [
    ['scan.js', 'scan'],
    ['deps/unbash.js', 'unbash'],
  ],
  'scan',
  '--fail-on',
  'never',
);
run(
  [
    ['main.js', 'deploy'],
    ['deps/inquirer.js', 'inquirer'],
    ['deps/chalk.js', 'chalk'],
  ],
  'deploy',
  '--entry',
  '2',
  '--yes',
);
rmSync(scratch, { recursive: true, force: true });
