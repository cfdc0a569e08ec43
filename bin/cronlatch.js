#!/usr/bin/env node
// Checks the Node version, then loads the built program: a file of our own code, which stays readable, and V8's code
// cache for what the command at hand runs of it, made by the build. Compiling it anew at every start would take about as
// long as Node itself (npm run bench). A cache is for the very program that made it: V8 looks at its own version only, which
// all of Node 20 share, and 20.17 to 20.19 died of a cache made by 20.20 (SIGSEGV before the first line). One file for both,
// since every file that Node has to find costs a start about a millisecond.
'use strict';
const parts = process.versions.node.split('.').map(Number);
const isOld = parts[0] < 20 || (parts[0] === 20 && parts[1] < 17);
if (isOld) {
  process.stderr.write(
    `cronlatch needs Node 20.17 or newer; this is ${process.versions.node}.\nOn Plesk newer ones are in /opt/plesk/node/.\n`,
  );
  process.exit(2);
}
const { mkdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');
const path = require('node:path');

const dist = path.join(__dirname, '..', 'dist');
const loaded = new Map();

/** This Node and no other: a distribution's build of the same version has another size. */
const cache = path.join(
  dist,
  'cache',
  `${process.version}-${process.arch}-${statSync(process.execPath).size}`,
);

/** A file of the build: a CommonJS module in its function. Dependencies are `./deps/NAME.js`, the rest is Node's own. */
function load(file, cacheName) {
  const before = loaded.get(file);
  if (before !== undefined) return before.module.exports;
  const filename = path.join(dist, file);
  const cachedData = cacheOf(cacheName);
  // The build writes ASCII, so that V8 gets one byte a character.
  const script = new Script(readFileSync(filename).latin1Slice(), { filename, cachedData });
  const module = { exports: {} };
  loaded.set(file, { module, script });
  const local = (id) => (id.startsWith('./') ? load(id.slice(2), cacheFor(id)) : require(id));
  script.runInThisContext().call(module.exports, module.exports, local, module);
  return module.exports;
}

const cacheFor = (id) => id.slice(id.lastIndexOf('/') + 1, -3);

function cacheOf(name) {
  try {
    return readFileSync(path.join(cache, `${name}.bin`));
  } catch {
    return undefined; // a command without one, or the build is making it
  }
}

/** Starts the program that the command line asks for. */
exports.start = () => {
  // What stands first is nearly always the command. A scan has a file of its own: it needs half of the program, and V8
  // takes up the whole of a file.
  const word = process.argv[2] || '';
  try {
    if (/^(?:scan|--version|-V|--help|-h|help)$/.test(word)) load('scan.js', 'scan');
    // The wizard's word is a flag or none; what it does is a deploy.
    else load('main.js', word === '' || word.startsWith('-') ? 'deploy' : word);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    process.stderr.write('cronlatch is not built yet: npm run build\n');
    process.exitCode = 1;
  }
};

/** For the build: after a run, keeps what V8 has compiled of a file, be it only what loading it takes. */
exports.keepCache = (file, name) => {
  load(file, 'none');
  mkdirSync(cache, { recursive: true });
  writeFileSync(path.join(cache, `${name}.bin`), loaded.get(file).script.createCachedData());
};

if (require.main === module) exports.start();
