// Loads the built program. What the quick commands need stands in one file with V8's code cache beside it, both made
// by the build: compiling the shell parser and the rest anew at every start takes about as long as Node itself
// (npm run bench). V8 refuses a cache of another version by itself, and then compiles as usual.
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');
const path = require('node:path');

const dist = path.join(__dirname, '..', 'dist');
const loaded = new Map();
let quick;

/** A chunk of the build: a CommonJS module in its function. Everything else is Node's own. */
function load(file) {
  const before = loaded.get(file);
  if (before !== undefined) return before.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  const local = (id) => (id.startsWith('.') ? load(path.join(path.dirname(file), id)) : require(id));
  functionOf(file).call(module.exports, module.exports, local, module);
  return module.exports;
}

function functionOf(file) {
  if (quick === undefined) {
    const script = compile('quick.js', read('quick.bin'));
    quick = { script, chunks: script?.runInThisContext() ?? {} };
  }
  return quick.chunks[file] ?? compile(file).runInThisContext();
}

function compile(file, cachedData) {
  const filename = path.join(dist, file);
  // The build writes ASCII, so that V8 gets one byte a character.
  const source = file === 'quick.js' ? read(file)?.toString('latin1') : readFileSync(filename, 'latin1');
  return source === undefined ? undefined : new Script(source, { filename, cachedData });
}

function read(file) {
  try {
    return readFileSync(path.join(dist, file));
  } catch {
    return undefined; // while the build makes it
  }
}

exports.start = (file) => {
  try {
    load(file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    process.stderr.write('cronlatch is not built yet: npm run build\n');
    process.exitCode = 1;
  }
};

/** For the build: the chunks a run has loaded. */
exports.used = () => [...loaded.keys()];

/** For the build: after a run, keeps what V8 has compiled of the quick file. */
exports.keepCache = () => writeFileSync(path.join(dist, 'quick.bin'), quick.script.createCachedData());
