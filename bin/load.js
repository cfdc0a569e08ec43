// Loads the built program with V8's code cache, which the build makes: compiling the shell parser and the rest anew
// at every start costs about as much time as Node itself needs (npm run bench). V8 refuses a cache of another
// version by itself, and then compiles as usual.
'use strict';
const { readFileSync, writeFileSync, mkdirSync } = require('node:fs');
const { Script } = require('node:vm');
const path = require('node:path');

const dist = path.join(__dirname, '..', 'dist');
const loaded = new Map();
const scripts = [];

/** A chunk of the build: a CommonJS module in its function, in ASCII. Everything else is Node's own. */
function load(file) {
  const before = loaded.get(file);
  if (before !== undefined) return before.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  const filename = path.join(dist, file);
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData: cacheOf(file) });
  scripts.push({ file, script });
  const local = (id) => (id.startsWith('.') ? load(path.join(path.dirname(file), id)) : require(id));
  script.runInThisContext().call(module.exports, module.exports, local, module);
  return module.exports;
}

function cacheOf(file) {
  try {
    return readFileSync(path.join(dist, 'cache', `${path.basename(file)}.bin`));
  } catch {
    return undefined; // made for the chunks of quick commands only
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

/** For the build: after a run, keeps what V8 has compiled. */
exports.keepCache = () => {
  mkdirSync(path.join(dist, 'cache'), { recursive: true });
  for (const { file, script } of scripts) {
    writeFileSync(path.join(dist, 'cache', `${path.basename(file)}.bin`), script.createCachedData());
  }
};
