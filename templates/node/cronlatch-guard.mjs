// cronlatch-guard version: 1.0.0
//
// One instance of a worker at a time. Node 16 or newer, no package needed. Twin of cronlatch-guard.php: same files,
// messages and exit codes, and the two exclude each other on one lock.
// In an ES module, as its first statement:
//     import './cronlatch-guard.mjs?dir=%2Fabs%2Fdir&name=worker';
// In front of a script:  node --import 'file:///path/cronlatch-guard.mjs?dir=%2Fabs%2Fdir&name=worker' script.js
// By hand:               node cronlatch-guard.mjs status DIR NAME      node cronlatch-guard.mjs probe DIR NAME
//
// The truth is the kernel's lock on DIR/NAME.lock, and only while that file is still the one at this path. The kernel
// frees it when the process is gone, however it died. So the file is never deleted and a crash leaves nothing to
// repair; deleting it by hand is what lets two instances run. Node has no flock(): flock(1), perl or php sets the lock
// on our open file and exits; the lock stays with the file we keep open.
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const RECORD = 512;
const LOG_LIMIT = 1048576;

// Every query makes another instance of this module; what the process holds is kept in one place for all of them.
const KEY = Symbol.for('cronlatch-guard');
globalThis[KEY] = globalThis[KEY] || { held: [], asked: false, why: '' };
const state = globalThis[KEY];

/** To be asked before EVERY job, the first one included. */
export function shouldStop() {
  state.asked = true;
  for (const guard of state.held) state.why = state.why || reasonToStop(guard);
  return state.why !== '';
}

/** Why shouldStop() said yes; empty as long as it did not. */
export function why() {
  return state.why;
}

// ---- taking the lock

/** Takes the lock or ends the process: 0 busy, 69 to 77 as in the documentation. */
function acquire(options) {
  const guard = { ...options, path: `${options.dir.replace(/\/+$/, '')}/${options.name}` };
  if (state.held.some((other) => other.path === guard.path)) return;
  checkDirectory(guard);
  const deadline = Date.now() + (guard.wait || 0) * 1000;
  for (let replaced = 0; ; ) {
    open(guard);
    if (state.held.some((other) => sameFile(fstatSync(other.fd), fstatSync(guard.fd)))) return;
    const got = lock(guard);
    if (got === 'busy') {
      if (isPartOfHolder(guard)) return;
      if (Date.now() >= deadline) lost(guard);
      closeSync(guard.fd);
      sleep(100);
      continue;
    }
    if (isStillOurs(guard) && claim(guard)) break;
    closeSync(guard.fd); // locked a file that is no longer at this path: worth nothing
    if (++replaced >= 50) refuse(74, named(guard, `${guard.path}.lock keeps being replaced`));
  }
  begin(guard);
}

/**
 * Publishes our PID. It must not replace the PID of another live instance: that one would be hidden from the next start if
 * the lock file were deleted once more. So the file is made by link(), which fails where one is.
 */
function claim(guard) {
  const file = `${guard.path}.pid`;
  const temporary = `${file}.${process.pid}.tmp`;
  const written = attempt(() => writeFileSync(temporary, `${process.pid}\n`, { mode: 0o600 }) === undefined);
  for (let round = 0; round < 5; round++) {
    const seen = pidInFile(guard);
    const hidden = hiddenInstance(guard);
    if (hidden > 0) {
      remove(temporary);
      const text = `The lock file was deleted while another instance still runs (PID: ${hidden}). Not starting a second one.`;
      log(guard, text);
      refuse(75, text);
    }
    if (round === 0) noticeCrash(guard);
    if (written && pidInFile(guard) === seen) remove(file); // left over: its process is not one of ours
    if (!written || attempt(() => linkSync(temporary, file) === undefined)) break;
    if (!lstat(file)) {
      attempt(() => renameSync(temporary, file)); // no links on this file system
      break;
    }
  }
  remove(temporary);
  if (isStillOurs(guard)) return true;
  withdraw(guard);
  return false;
}

function withdraw(guard) {
  if (pidInFile(guard) === process.pid) remove(`${guard.path}.pid`);
}

function checkDirectory(guard) {
  const { dir, name } = guard;
  if (!name || /[/\0\n]/.test(name) || !dir.startsWith('/')) {
    refuse(73, named(guard, 'the guard needs an absolute dir and a name without a slash'));
  }
  const uid = process.geteuid();
  const wrongOwner = (path, owner) =>
    refuse(
      77,
      named(
        guard,
        `${path} belongs to uid ${owner}, this process is uid ${uid}: run the task as the owner of the directory`,
      ),
    );
  if (!lstat(dir)) {
    // Root must not plant its own directory in a customer's tree: the customer's runs would fail for ever.
    let above = dirname(dir);
    while (uid === 0 && !lstat(above) && above !== '/') above = dirname(above);
    const owner = uid === 0 ? lstat(above).uid : uid;
    if (owner !== uid) wrongOwner(above, owner);
    try {
      makeDirectory(dir);
    } catch {
      if (!lstat(dir)) refuse(73, named(guard, `cannot create ${dir}`));
    }
  }
  const stat = lstat(dir);
  if (!stat?.isDirectory()) refuse(77, named(guard, `${dir} is not a real directory`));
  if (stat.uid !== uid) wrongOwner(dir, stat.uid);
  // Who may write here could lay a link where the guard writes its PID.
  if (stat.mode & 0o022)
    refuse(77, named(guard, `${dir} is writable for ${stat.mode & 0o002 ? 'everybody' : 'its group'}`));
}

/** Step by step: Node's own recursive mkdir never returns where the kernel makes no directories, as in /proc. */
function makeDirectory(dir) {
  if (lstat(dir)) return;
  makeDirectory(dirname(dir));
  try {
    mkdirSync(dir, 0o700);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error; // another instance was quicker
  }
}

function open(guard) {
  const file = `${guard.path}.lock`;
  const stat = lstat(file);
  const isLink = () => refuse(77, named(guard, `${file} is a link or belongs to another user`));
  if (stat && (!stat.isFile() || stat.nlink !== 1 || stat.uid !== process.geteuid())) isLink();
  try {
    guard.fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    if (error.code === 'ELOOP') isLink();
    refuse(73, named(guard, `cannot open ${file}: ${error.message.replace(/, open .*/, '')}`));
  }
}

/** 'got' or 'busy'; anything else ends the process. */
function lock(guard) {
  const { is, by } = tryLock(guard.fd, false);
  if (by === null) {
    refuse(69, named(guard, 'none of flock(1), perl, php is here: no way to take the lock'));
  }
  if (is === 'error') {
    const text = `flock() is not possible on ${guard.path}.lock (network file system?): refusing to run without a lock`;
    refuse(74, named(guard, text));
  }
  return is;
}

/** Lets flock(1), else perl, else php lock our open file: exclusively, or shared for a mere look. */
function tryLock(fd, shared) {
  const mode = shared ? 5 : 6;
  const ways = [
    ['flock', shared ? ['-n', '-s', '3'] : ['-n', '3']],
    [
      'perl',
      ['-e', `open(F,"${shared ? '<' : '+<'}&=",3) or exit 2; exit(flock(F,${mode}) ? 0 : $!+0==11 ? 1 : 2)`],
    ],
    [
      'php',
      ['-n', '-r', `$f=fopen("php://fd/3","${shared ? 'r' : 'r+'}"); exit(flock($f,${mode},$b)?0:($b?1:2));`],
    ],
  ];
  const env = { ...process.env, PATH: process.env.PATH || '/usr/bin:/bin' };
  for (const [by, args] of ways) {
    const run = spawnSync(by, args, { stdio: ['ignore', 'ignore', 'pipe', fd], env });
    if (run.error) continue; // not here
    // Busy is a silent 1. BusyBox's flock also says 1 for a real error, but then it complains.
    const busy = run.status === 1 && run.stderr.length === 0;
    return { is: run.status === 0 ? 'got' : busy ? 'busy' : 'error', by };
  }
  return { is: 'error', by: null };
}

/** fork() and cluster start their children with our own options: such a child belongs to the instance that holds the lock. */
function isPartOfHolder(guard) {
  const record = readRecord(guard);
  return typeof process.send === 'function' && record.pid === process.ppid && holder(record) === 'alive';
}

function isStillOurs(guard) {
  return sameFile(lstat(`${guard.path}.lock`), fstatSync(guard.fd));
}

function sameFile(one, other) {
  return Boolean(one && other && one.ino === other.ino && one.dev === other.dev);
}

/** Second line of defence, for a lock file deleted under a running worker: the PID file still names that worker. */
function hiddenInstance(guard) {
  const pid = pidInFile(guard);
  const found = pid > 0 && pid !== process.pid ? processOf(pid) : null;
  const script = basename(script0(guard));
  const boot = /^btime (\d+)/m.exec(read('/proc/stat'));
  if (!found || found.state === 'Z' || !script || !boot) return 0;
  // Started after the PID file was written: the number was given to somebody else.
  if (Number(boot[1]) + found.start / 100 > lstat(`${guard.path}.pid`).mtimeMs / 1000 + 1) return 0;
  return read(`/proc/${pid}/cmdline`).includes(script) ? pid : 0;
}

/** We hold the lock, so whoever left these traces is gone. They are overwritten, nothing is deleted. */
function noticeCrash(guard) {
  const record = readRecord(guard);
  if (!lstat(`${guard.path}.pid`) && record.state !== 'running') return;
  const pid = pidInFile(guard) || record.pid || '?';
  const text = `Removing stale lock file from dead process (PID: ${pid})`;
  say(guard, text);
  log(guard, text);
  log(guard, `previous run PID ${pid} ended without cleaning up (killed, out of memory or power loss)`);
}

function begin(guard) {
  state.held.push(guard);
  guard.since = Date.now();
  guard.checked = 0;
  const self = processOf(process.pid);
  guard.record = {
    v: 1,
    pid: process.pid,
    start: self ? self.start : null,
    boot: boot(),
    pidns: pidns(),
    host: host(),
    started: now(),
    hb: now(),
    state: 'running',
    ended: null,
    why: '',
  };
  writeRecord(guard);
  remove(`${guard.path}.stuck`);
  rotateLog(guard);
  guard.stamp = deployed(guard);
  if (state.held.length > 1) return; // a second lock of the same process: the first one has set up what follows
  process.on('exit', (code) => finish(code === 0 ? 'done' : 'failed'));
  // What the starter ignores stays ignored: nohup means it for HUP, a shell's & for INT.
  const ignored = Number.parseInt(
    (/^SigIgn:\s*[0-9a-f]*([0-9a-f]{8})$/m.exec(read('/proc/self/status')) || ['', '0'])[1],
    16,
  );
  for (const [name, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
  ]) {
    if (ignored & (1 << (number - 1))) continue;
    const listener = () => {
      state.why = state.why || `signal ${number}`;
      if (state.asked || process.listenerCount(name) > 1) return; // somebody stops the worker in order
      // This worker never asks. It must still die from a signal as it did without the guard, only tidier.
      finish('failed');
      process.removeListener(name, listener);
      process.kill(process.pid, name);
    };
    process.on(name, listener);
  }
}

// ---- while running, and at the end

function reasonToStop(guard) {
  if (guard.maxTime > 0 && Date.now() - guard.since >= guard.maxTime * 1000) return 'time limit';
  if (guard.maxMemory > 0 && process.memoryUsage.rss() >= guard.maxMemory * 1048576) return 'memory limit';
  if (Date.now() - guard.checked < 5000) return '';
  guard.checked = Date.now();
  if (!isStillOurs(guard)) return 'the lock file was replaced';
  if (deployed(guard) !== guard.stamp) return 'the code was deployed anew';
  guard.record.hb = now();
  writeRecord(guard);
  rotateLog(guard);
  return '';
}

/** Changes when the script does, or when a link such as `current` leads to another release. */
function deployed(guard) {
  const called = resolve(guard.script || process.argv[1] || '/');
  try {
    const real = realpathSync(called);
    const stat = statSync(real);
    return `${real} ${stat.mtimeMs} ${stat.ino} ${stat.size}`;
  } catch {
    return '';
  }
}

/** Says how it ended. The lock file is neither closed nor deleted: the kernel frees it after the last line of the worker. */
function finish(how) {
  for (const guard of state.held) {
    if (guard.record.state !== 'running') continue;
    Object.assign(guard.record, { state: how, ended: now(), hb: now(), why: state.why });
    writeRecord(guard);
    withdraw(guard);
  }
}

// ---- when somebody else holds the lock

/** Healthy holder: silence and 0. Stuck holder, or a dead one whose child kept the lock: 75, loud once an hour. */
function lost(guard) {
  let record = {};
  let is = 'none';
  for (let round = 0; round < 6 && (is === 'none' || is === 'dead'); round++) {
    if (round > 0) sleep(20); // a holder that has just started has not written its record yet
    record = readRecord(guard);
    is = holder(record);
  }
  if (is === 'dead' && staysDead(guard, record)) {
    const text = `The worker PID ${record.pid} is dead, but a process it started still holds ${guard.path}.lock: `;
    complain(guard, text + leak(guard));
  }
  const age = record.started && is !== 'dead' ? now() - record.started : 0;
  const limit = guard.maxRuntime || 0;
  if (limit > 0 && age > limit + 60) {
    const quiet = now() - (record.hb || record.started);
    let text = `The worker PID ${record.pid} holds the lock since ${age} s (limit ${limit} s, last sign of life ${quiet} s ago).`;
    if (guard.killStuck && is === 'alive') {
      const signal = age > limit + 180 ? 9 : 15;
      attempt(() => process.kill(record.pid, signal));
      text += ` Sent signal ${signal}.`;
    }
    complain(guard, text);
  }
  const pid = is === 'alive' || is === 'unknown' ? record.pid : pidInFile(guard) || '?';
  const text = `Another instance is already running (PID: ${pid}).`;
  say(
    guard,
    `${text} If you believe this is an error, look at that process; deleting the lock file ${guard.path}.lock does not stop it.`,
  );
  const stat = lstat(`${guard.path}.log`);
  if (!stat || stat.size < LOG_LIMIT) log(guard, text); // only a holder may rotate the log, so a loser must not fill it
  process.exit(0);
}

/** Two seconds of doubt: on a busy machine a new holder needs a while from the lock to its record. */
function staysDead(guard, record) {
  for (let look = 0; look < 20; look++) {
    if (lock(guard) === 'got') process.exit(0); // the holder ended just now: the next tick works
    sleep(100);
    const again = readRecord(guard);
    if (again.pid !== record.pid || again.start !== record.start || again.state !== record.state)
      return false;
  }
  return true;
}

function complain(guard, text) {
  log(guard, text);
  const marker = lstat(`${guard.path}.stuck`);
  if (verbose(guard) || !marker || now() - marker.mtimeMs / 1000 >= 3600) {
    put(guard, '.stuck', '');
    print(2, text);
  }
  process.exit(75);
}

/** 'none' without a record, else whether the process that wrote it lives: 'alive', 'dead' or 'unknown'. */
function holder(record) {
  if (!record.pid) return 'none';
  // A PID says nothing on another machine or in another container.
  const here = (record.pidns || '') === pidns() && (record.host || '') === host();
  if (!record.start || !here) return 'unknown';
  if ((record.boot || '') !== boot()) return 'dead';
  const found = processOf(record.pid);
  if (!found) return !processOf(process.pid) || lstat(`/proc/${record.pid}`) ? 'unknown' : 'dead';
  return found.state !== 'Z' && found.start === record.start ? 'alive' : 'dead';
}

/** Names the process whose open descriptor carries the lock. Only a descriptor that has it: losers have the file open, too. */
function leak(guard) {
  const ours = fstatSync(guard.fd);
  for (const pid of attempt(() => readdirSync('/proc').filter((name) => /^\d+$/.test(name))) || []) {
    for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`)) || []) {
      const same = sameFile(
        attempt(() => statSync(`/proc/${pid}/fd/${fd}`)),
        ours,
      );
      if (same && Number(pid) !== process.pid && read(`/proc/${pid}/fdinfo/${fd}`).includes('FLOCK')) {
        return `PID ${pid} (${read(`/proc/${pid}/comm`).trim()})`;
      }
    }
  }
  return 'PID ? (not visible from here)';
}

// ---- files

function readRecord(guard) {
  const record = attempt(() => JSON.parse(read(`${guard.path}.lock`)));
  return record && typeof record === 'object' ? record : {};
}

/** Overwritten in place at a fixed width: no moment without a record. A full disk may stop it and does not matter. */
function writeRecord(guard) {
  const clean = { ...guard.record, why: guard.record.why.slice(0, 80).replace(/[^ -~]/g, '?') };
  const text = JSON.stringify(clean)
    .slice(0, RECORD - 1)
    .padEnd(RECORD - 1);
  attempt(() => writeSync(guard.fd, `${text}\n`, 0));
}

function pidInFile(guard) {
  const stat = lstat(`${guard.path}.pid`);
  return stat?.isFile() ? Number.parseInt(read(`${guard.path}.pid`), 10) || 0 : 0;
}

/** Writes beside and renames: a reader never sees half a file, and a link at this path is replaced, not followed. */
function put(guard, suffix, text) {
  const temporary = `${guard.path}${suffix}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, guard.path + suffix);
  } catch {
    remove(temporary);
  }
}

function log(guard, text) {
  const stat = lstat(`${guard.path}.log`);
  if (stat && (!stat.isFile() || stat.nlink !== 1)) return;
  const time = new Date().toISOString().replace(/\.\d+/, '');
  attempt(() => appendFileSync(`${guard.path}.log`, `${time} [${process.pid}] ${text}\n`, { mode: 0o600 }));
}

/** Called by the holder only: two processes renaming at once would lose a log. */
function rotateLog(guard) {
  const stat = lstat(`${guard.path}.log`);
  if (stat && stat.size >= LOG_LIMIT) attempt(() => renameSync(`${guard.path}.log`, `${guard.path}.log.1`));
}

function remove(file) {
  attempt(() => unlinkSync(file));
}

// ---- talking

function named(guard, text) {
  return `${guard.name || 'guard'}: ${text}`;
}

function refuse(code, text) {
  print(2, text);
  process.exit(code);
}

function say(guard, text) {
  if (verbose(guard)) print(1, text);
}

function print(fd, text) {
  attempt(() => writeSync(fd, `${text}\n`));
}

function verbose(guard) {
  const asked = process.argv.includes('-v') || process.argv.includes('--verbose');
  return guard.verbose || process.env.CRONLATCH_VERBOSE === '1' || asked || isatty(1);
}

// ---- the machine; /proc may be absent

function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function lstat(path) {
  return attempt(() => lstatSync(path));
}

function read(path) {
  return attempt(() => readFileSync(path, 'latin1')) || '';
}

/** The state and start time of a process, or null. */
function processOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before ')' may hold spaces
  return fields.length > 19 ? { state: fields[0], start: Number(fields[19]) } : null;
}

function boot() {
  return read('/proc/sys/kernel/random/boot_id').trim();
}

function pidns() {
  return attempt(() => readlinkSync('/proc/self/ns/pid')) || '';
}

function host() {
  return hostname()
    .slice(0, 48)
    .replace(/[^ -~]/g, '?');
}

function script0(guard) {
  const script = guard.script || process.argv[1] || '';
  return attempt(() => realpathSync(script)) || script;
}

function now() {
  return Math.floor(Date.now() / 1000);
}

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

// ---- started by hand or by cronlatch: status and probe

async function main([mode, dir, name]) {
  if (!name || !['status', 'probe', '--hold'].includes(mode)) {
    print(2, 'Usage: node cronlatch-guard.mjs status|probe DIR NAME');
    process.exitCode = 64;
  } else if (mode === 'status') {
    print(1, JSON.stringify(status(dir, name)));
  } else if (mode === 'probe') {
    const result = await probe(dir, name);
    print(1, JSON.stringify(result));
    process.exitCode = result.ok ? 0 : 1;
  } else {
    // One process of the probe: runs until its stdin ends.
    acquire({ dir, name, verbose: true });
    print(1, 'running');
    process.stdin.resume();
  }
}

/** Looks and creates nothing. The shared lock on a read-only handle is the test; closing it gives it back. */
function status(dir, name) {
  const guard = { dir, name, path: `${dir.replace(/\/+$/, '')}/${name}` };
  const stat = lstat(`${guard.path}.lock`);
  let seen = dir;
  while (!lstat(seen) && seen !== dirname(seen)) seen = dirname(seen);
  let held = attempt(() => accessSync(seen, constants.X_OK) || true) ? false : null; // not there, or hidden from this user?
  let locker = null;
  if (stat) {
    const fd = stat.isFile()
      ? attempt(() => openSync(`${guard.path}.lock`, constants.O_RDONLY | constants.O_NOFOLLOW))
      : undefined;
    const { is, by } = fd === undefined ? { is: 'error', by: null } : tryLock(fd, true);
    held = is === 'got' ? false : is === 'busy' ? true : null;
    locker = by;
    if (fd !== undefined) closeSync(fd);
  }
  const record = readRecord(guard);
  const over = held === false && record.state !== 'running';
  return {
    held,
    record: record.pid ? record : null,
    holder: over ? 'none' : holder(record),
    pid: record.pid || pidInFile(guard) || null,
    dir,
    name,
    node: process.versions.node,
    pcntl: true,
    posix: true,
    locker,
  };
}

/**
 * Shows in the real directory, with the real interpreter and user, that a second instance is refused and that a crash is
 * survived. Under a lock name of its own: no worker is started or disturbed.
 */
async function probe(dir) {
  const result = {
    ok: false,
    acquired: false,
    refused: { exit: null, message: '' },
    stale: { recovered: false, message: '' },
    errors: [],
  };
  if (!attempt(() => statSync(dir).isDirectory())) {
    result.errors.push(`${dir} does not exist`);
    return result;
  }
  const name = `.probe-${process.pid}`;
  const guard = { dir, name, path: `${dir.replace(/\/+$/, '')}/${name}` };
  const first = start(guard, result.errors);
  const said = await first.line();
  result.acquired = said === 'running';
  if (result.acquired) {
    const second = start(guard, result.errors);
    result.refused.message = await second.line();
    result.refused.exit = await second.end();
  }
  const code = await first.end();
  if (result.acquired && code === 0) {
    put(guard, '.pid', '99999\n'); // what a killed instance leaves behind
    const third = start(guard, result.errors);
    result.stale.message = await third.line();
    result.stale.recovered = (await third.line()) === 'running';
    await third.end();
  } else {
    result.errors.push(`the first instance ended with ${code}: ${said}`);
  }
  // The probe's own files, nobody waits for them.
  for (const file of readdirSync(dir)) if (file.startsWith(`${name}.`)) remove(`${dir}/${file}`);
  result.ok =
    result.acquired &&
    result.refused.exit === 0 &&
    result.stale.recovered &&
    result.refused.message.startsWith('Another instance is already running');
  return result;
}

/** Starts one process of the probe: line() is the next thing it says ('' after 10 seconds), end() its exit code. */
function start(guard, errors) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--hold', guard.dir, guard.name]);
  const out = { text: '', error: '', code: undefined };
  const changed = new Set();
  const note = () => {
    for (const wake of changed) wake();
  };
  const until = (check) =>
    new Promise((done) => {
      const timer = setTimeout(() => settle(), 10_000);
      const settle = () => {
        clearTimeout(timer);
        changed.delete(look);
        done();
      };
      const look = () => check() && settle();
      changed.add(look);
      look();
    });
  child.stdout.on('data', (data) => {
    out.text += data;
    note();
  });
  child.stderr.on('data', (data) => {
    out.error += data;
  });
  child.stdin.on('error', () => {}); // a refused instance has closed it
  child.on('error', (error) => {
    out.error += error.message;
    out.code = -1;
    note();
  });
  child.on('close', (code) => {
    out.code = code ?? -1;
    note();
  });
  return {
    async line() {
      await until(() => out.text.includes('\n') || out.code !== undefined);
      const end = out.text.indexOf('\n');
      const line = end < 0 ? out.text : out.text.slice(0, end);
      out.text = end < 0 ? '' : out.text.slice(end + 1);
      return line.trim();
    },
    async end() {
      child.stdin.end(); // the end of its input is its sign to stop
      await until(() => out.code !== undefined);
      if (out.code === undefined) child.kill('SIGKILL');
      if (out.error.trim()) errors.push(out.error.trim());
      return out.code ?? -1;
    },
  };
}

// ---- what this import asks for. Threads share the process and so the lock of the main thread.

const query = new URL(import.meta.url).searchParams;
if (isMainThread && query.has('dir')) {
  const number = (name) => Number(query.get(name)) || 0;
  const yes = (name) => ['1', 'true'].includes(query.get(name) || '');
  acquire({
    dir: query.get('dir').replace(/(?<=.)\/+$/, ''),
    name: query.get('name') || '',
    script: query.get('script') || '',
    maxRuntime: number('maxRuntime'),
    maxTime: number('maxTime'),
    maxMemory: number('maxMemory'),
    wait: number('wait'),
    verbose: yes('verbose'),
    killStuck: yes('killStuck'),
  });
} else if (
  isMainThread &&
  process.argv[1] &&
  attempt(() => realpathSync(process.argv[1])) === fileURLToPath(import.meta.url)
) {
  main(process.argv.slice(2)); // not awaited: an await here would make this module an asynchronous one
}
