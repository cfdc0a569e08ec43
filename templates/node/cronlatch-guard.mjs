// cronlatch-guard version: 1.2.0
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
import { spawnSync } from 'node:child_process';
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
  readSync,
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
import { isMainThread, Worker } from 'node:worker_threads';

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
  const guard = { ...options };
  place(guard);
  if (state.held.some((other) => other.path === guard.path)) return;
  checkDirectory(guard);
  place(guard);
  const deadline = Date.now() + (guard.wait || 0) * 1000;
  for (let replaced = 0; ; closeSync(guard.fd)) {
    const got = tryLock(guard);
    if (got === 'got') {
      begin(guard);
      return guard.shared ? takeSecond(guard) : undefined;
    }
    if (got === 'replaced' && ++replaced >= 50) refuse(guard, 74, `${guard.path}.lock keeps being replaced`);
    if (got === 'busy') {
      if (isPartOfHolder(guard)) return;
      if (Date.now() >= deadline) lost(guard);
      sleep(100);
    }
  }
}

/** Where the files are; the real path, so that another spelling of the directory is seen to be the same lock. */
function place(guard) {
  const dir = attempt(() => realpathSync(guard.dir)) || guard.dir.replace(/\/+$/, '');
  guard.path = `${dir}/${guard.name}`;
}

/** 'got', 'busy', or 'replaced': what we have locked is no longer the file at this path, and so worth nothing. */
function tryLock(guard) {
  const file = `${guard.path}.lock`;
  const stat = lstat(file);
  // A file that is being deleted this very moment has no name left (0): that is no link, and we look again.
  const isLink = () => refuse(guard, 77, `${file} is a link or belongs to another user`);
  if (stat && (!stat.isFile() || stat.nlink > 1 || stat.uid !== process.geteuid())) isLink();
  try {
    guard.fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    if (error.code === 'ELOOP') isLink();
    refuse(guard, 73, `cannot open ${file}: ${error.message.replace(/, open .*/, '')}`);
  }
  if (flockOf(guard) === 'busy') return 'busy';
  return isStillOurs(guard) && claim(guard) ? 'got' : 'replaced';
}

/**
 * Publishes our PID. It must not replace the PID of another live instance: that one would be hidden from the next start if
 * the lock file were deleted once more. So the file is made by link(), which fails where one is, and by one process at a
 * time: what is left over now may be somebody's the moment we delete it.
 */
function claim(guard) {
  const door = attempt(() => openSync(dirname(guard.path), constants.O_RDONLY)); // a directory can be locked, too
  for (let look = 0; look < 50 && door !== undefined && flock(door, false).is === 'busy'; look++) sleep(10);
  const ours = publish(guard);
  if (door !== undefined) closeSync(door);
  return ours;
}

function publish(guard) {
  const file = `${guard.path}.pid`;
  const temporary = `${file}.${process.pid}.tmp`;
  attempt(() => writeFileSync(temporary, `${process.pid}\n`, { mode: 0o600 })); // a full disk may stop it and does not matter
  for (let round = 0; round < 5; round++) {
    const seen = pidInFile(guard);
    if (seen > 0 && isInstance(guard, seen)) {
      remove(temporary);
      const text = `The lock file was deleted while another instance still runs (PID: ${seen}). Not starting a second one.`;
      log(guard, text);
      leave(75, text);
    }
    const left = lstat(file);
    if (round === 0) noticeCrash(guard, seen, left);
    if (left && pidInFile(guard) === seen) remove(file); // left over: its process is not one of ours
    if (attempt(() => linkSync(temporary, file) === undefined)) break;
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
    refuse(guard, 73, 'the guard needs an absolute dir and a name without a slash');
  }
  const uid = process.geteuid();
  const mustOwn = (path) => {
    const owner = lstat(path).uid;
    const text = `${path} belongs to uid ${owner}, this process is uid ${uid}: run the task as the owner of the directory`;
    if (owner !== uid) refuse(guard, 77, text);
  };
  if (!lstat(dir)) {
    let above = dirname(dir);
    while (!lstat(above) && above !== '/') above = dirname(above);
    if (uid === 0) mustOwn(above); // root's own directory in a customer's tree would stop the customer's runs for ever
    try {
      makeDirectory(dir);
    } catch {
      if (!lstat(dir)) refuse(guard, 73, `cannot create ${dir}`);
    }
  }
  const stat = lstat(dir);
  if (!stat?.isDirectory()) refuse(guard, 77, `${dir} is not a real directory`);
  mustOwn(dir);
  // Who may write here could lay a link where the guard writes its PID.
  if (stat.mode & 0o022)
    refuse(guard, 77, `${dir} is writable for ${stat.mode & 0o002 ? 'everybody' : 'its group'}`);
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

/** 'got' or 'busy'; anything else ends the process. */
function flockOf(guard) {
  const { is, by } = flock(guard.fd, false);
  if (by === null) refuse(guard, 69, 'none of flock(1), perl, php is here: no way to take the lock');
  if (is === 'error') {
    const text = `flock() is not possible on ${guard.path}.lock (network file system?): refusing to run without a lock`;
    refuse(guard, 74, text);
  }
  return is;
}

/** Lets flock(1), else perl, else php lock our open file: exclusively, or shared for a mere look. */
function flock(fd, shared) {
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
function isInstance(guard, pid) {
  const found = pid === process.pid ? null : processOf(pid);
  const script = basename(guard.script || process.argv[1] || '');
  const boot = /^btime (\d+)/m.exec(read('/proc/stat'));
  const file = lstat(`${guard.path}.pid`);
  if (!found || found.state === 'Z' || !script || !boot || !file) return false;
  // Started after the PID file was written: the number was given to somebody else.
  if (Number(boot[1]) + found.start / 100 > file.mtimeMs / 1000 + 1) return false;
  // It may be a worker of another name, or in PHP: then it has the deleted lock file open.
  const open = attempt(() => readdirSync(`/proc/${pid}/fd`)) || [];
  const target = (fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) || '';
  if (open.some((fd) => target(fd).startsWith(`${guard.path}.lock`))) return true;
  return read(`/proc/${pid}/cmdline`).includes(script);
}

/** We hold the lock, so whoever left these traces is gone. They are overwritten, nothing is deleted. */
function noticeCrash(guard, pidLeft, left) {
  rotateLog(guard);
  const record = readRecord(guard);
  if (!left && record.state !== 'running') return;
  const pid = pidLeft || record.pid || '?';
  const text = `Removing stale lock file from dead process (PID: ${pid})`;
  say(guard, text);
  log(guard, text);
  log(guard, `previous run PID ${pid} ended without cleaning up (killed, out of memory or power loss)`);
}

function begin(guard) {
  state.held.push(guard);
  guard.since = Date.now();
  guard.checked = 0;
  guard.jobs = 0;
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
  if (!guard.shared) remove(`${guard.path}.stuck`);
  guard.stamp = deployed(guard);
  if (state.held.length > 1) return; // a second lock of the same process: the first one has set up what follows
  process.on('exit', (code) => finish(code === 0 ? 'done' : 'failed'));
  for (const [name, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
  ]) {
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

// ---- several web servers: a second lock, in the database they share (cronlatch-shared.mjs, a thread)

const OURS = 1;
const BUSY = 2;

/** Waits for the answer: not an import of the worker is run before it is there. */
function takeSecond(guard) {
  const file = new URL('./cronlatch-shared.mjs', import.meta.url);
  const memory = new SharedArrayBuffer(2048);
  guard.second = { word: new Int32Array(memory, 0, 2), text: new Uint8Array(memory, 8) };
  let { is, text } = { is: 0, text: `${fileURLToPath(file)} is missing` };
  if (lstat(fileURLToPath(file))) {
    const script =
      attempt(() => realpathSync(guard.script || process.argv[1])) || `${process.cwd()}/worker.js`;
    const { shared: from, name, maxRuntime } = guard;
    const workerData = { memory, from, name, script, maxRuntime };
    try {
      guard.second.thread = new Worker(file, { execArgv: [], workerData });
      ({ is, text } = askSecond(guard, 30_000));
    } catch (error) {
      text = error.message; // a policy without threads
    }
  }
  if (is === BUSY) {
    state.why = state.why || 'another server is at work';
    finish('done');
    say(guard, text);
    log(guard, text);
    process.exit(0);
  }
  if (is !== OURS) {
    state.why = state.why || 'no second lock';
    finish('failed');
    complain(guard, `${guard.name}: no second lock, so nothing was started: ${text}`, 76);
  }
  remove(`${guard.path}.stuck`);
  guard.record.shared = text;
  writeRecord(guard);
  for (const event of ['message', 'error', 'exit']) {
    guard.second.thread.on(event, () => {
      // This worker never asks. It is told as by a `kill`; one that asks stops before its next job.
      if (loseSecond(guard) && !state.asked) process.kill(process.pid, 'SIGTERM');
    });
  }
  guard.second.thread.unref(); // after on(), which would undo it
}

/** Puts the question (the first one is put by the thread's start) and waits for the answer, the event loop with it. */
function askSecond({ second: { word, text, thread }, record }, milliseconds) {
  if (record.shared) {
    Atomics.store(word, 0, 0);
    thread.postMessage('');
  }
  Atomics.wait(word, 0, 0, milliseconds);
  const is = Atomics.load(word, 0);
  const bytes = Buffer.from(text.slice(0, Atomics.load(word, 1)));
  return { is, text: is === 0 ? 'no answer' : bytes.toString() };
}

function loseSecond(guard) {
  if (guard.record.state !== 'running') return '';
  const { word, text } = guard.second;
  const bytes = Buffer.from(text.slice(0, Atomics.load(word, 1)));
  if (!guard.lost)
    log(guard, Atomics.load(word, 0) === 0 ? 'The second lock gives no answer.' : bytes.toString());
  guard.lost = true;
  state.why = state.why || 'the second lock was lost';
  return state.why;
}

// ---- while running, and at the end

function reasonToStop(guard) {
  if (guard.maxTime > 0 && Date.now() - guard.since >= guard.maxTime * 1000) return 'time limit';
  if (guard.maxMemory > 0 && process.memoryUsage.rss() >= guard.maxMemory * 1048576) return 'memory limit';
  if (guard.maxJobs > 0 && guard.jobs >= guard.maxJobs) return 'job limit';
  if (Date.now() - guard.checked >= 5000) {
    guard.checked = Date.now();
    if (!isStillOurs(guard)) return 'the lock file was replaced';
    if (deployed(guard) !== guard.stamp) return 'the code was deployed anew';
    guard.record.hb = now();
    writeRecord(guard);
    rotateLog(guard);
  }
  if (guard.second && askSecond(guard, 15_000).is !== OURS) return loseSecond(guard);
  guard.jobs++;
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
  for (let look = 0; look < 6; look++) {
    record = readRecord(guard);
    is = holder(record);
    if (is === 'alive' || is === 'unknown') break;
    sleep(20); // a holder that has just started has not written its record yet
  }
  const pid = is === 'none' ? pidInFile(guard) || '?' : record.pid;
  if (is === 'dead' && staysDead(guard, record)) {
    const text = `The worker PID ${pid} is dead, but a process it started still holds ${guard.path}.lock: `;
    complain(guard, text + leak(guard));
  }
  const age = record.started && is !== 'dead' ? now() - record.started : 0;
  const limit = guard.maxRuntime || 0;
  if (limit > 0 && age > limit + 60) {
    const quiet = now() - (record.hb || record.started);
    let text = `The worker PID ${pid} holds the lock since ${age} s (limit ${limit} s, last sign of life ${quiet} s ago).`;
    if (guard.killStuck && is === 'alive') {
      const signal = age > limit + 180 ? 9 : 15;
      attempt(() => process.kill(pid, signal));
      text += ` Sent signal ${signal}.`;
    }
    complain(guard, text);
  }
  const text = `Another instance is already running (PID: ${pid}).`;
  say(
    guard,
    `${text} If you believe this is an error, look at that process; deleting the lock file ${guard.path}.lock does not stop it.`,
  );
  log(guard, text);
  process.exit(0);
}

/** Two seconds of doubt: on a busy machine a new holder needs a while from the lock to its record. */
function staysDead(guard, record) {
  for (let look = 0; look < 20; look++) {
    if (flockOf(guard) === 'got') process.exit(0); // the holder ended just now: the next tick works
    sleep(100);
    const again = readRecord(guard);
    if (again.pid !== record.pid || again.start !== record.start || again.state !== record.state)
      return false;
  }
  return true;
}

function complain(guard, text, code = 75) {
  log(guard, text);
  const marker = lstat(`${guard.path}.stuck`);
  if (verbose(guard) || !marker || now() - marker.mtimeMs / 1000 >= 3600) {
    // Written beside and renamed: a link at this path is replaced, not followed.
    const temporary = `${guard.path}.stuck.${process.pid}.tmp`;
    attempt(() => writeFileSync(temporary, '', { mode: 0o600 }));
    attempt(() => renameSync(temporary, `${guard.path}.stuck`));
    leave(code, text);
  }
  process.exit(code);
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
  // From the file that is locked, which need not be the one at the path.
  const bytes = Buffer.alloc(RECORD);
  const record = attempt(() => {
    if (guard.fd === undefined) return JSON.parse(read(`${guard.path}.lock`));
    return JSON.parse(bytes.toString('latin1', 0, readSync(guard.fd, bytes, 0, RECORD, 0)));
  });
  return record && typeof record === 'object' ? record : {};
}

/** Overwritten in place at a fixed width: no moment without a record. A full disk may stop it and does not matter. */
function writeRecord(guard) {
  const text = JSON.stringify(guard.record).padEnd(RECORD - 1);
  attempt(() => writeSync(guard.fd, `${text}\n`, 0));
}

function pidInFile(guard) {
  const stat = lstat(`${guard.path}.pid`);
  return stat?.isFile() ? Number.parseInt(read(`${guard.path}.pid`), 10) || 0 : 0;
}

/** Only a holder turns the log over, so a log that is full takes no more lines from losers. */
function log(guard, text) {
  const stat = lstat(`${guard.path}.log`);
  if (stat && (!stat.isFile() || stat.nlink > 1 || stat.size >= LOG_LIMIT)) return;
  const time = new Date().toISOString().replace(/\.\d+/, '');
  attempt(() => appendFileSync(`${guard.path}.log`, `${time} [${process.pid}] ${text}\n`, { mode: 0o600 }));
}

function rotateLog(guard) {
  const stat = lstat(`${guard.path}.log`);
  if (stat && stat.size >= LOG_LIMIT) attempt(() => renameSync(`${guard.path}.log`, `${guard.path}.log.1`));
}

function remove(file) {
  attempt(() => unlinkSync(file));
}

// ---- talking

function refuse(guard, code, text) {
  leave(code, `${guard.name || 'guard'}: ${text}`);
}

function leave(code, text) {
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

/** State and start (in ticks since boot) of a process, or null. */
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
  return /^[\w.-]*/.exec(hostname())[0]; // at most 64 characters; odd ones would swell in JSON
}

function now() {
  return Math.floor(Date.now() / 1000);
}

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

// ---- started by hand or by cronlatch: status and probe

function main([mode, dir, name]) {
  if (!name || !['status', 'probe', '--try'].includes(mode)) {
    leave(64, 'Usage: node cronlatch-guard.mjs status|probe DIR NAME');
  }
  if (mode === '--try') {
    acquire({ dir, name, verbose: true }); // one process of the probe
    return print(1, 'running');
  }
  const answer = mode === 'status' ? status(dir, name) : probe(dir);
  print(1, JSON.stringify(answer));
  if (answer.ok === false) process.exitCode = 1;
}

/** Looks and creates nothing. The shared lock on a read-only handle is the test; closing it gives it back. */
function status(dir, name) {
  const guard = { dir, name };
  place(guard);
  const stat = lstat(`${guard.path}.lock`);
  let seen = dir;
  while (!lstat(seen) && seen !== dirname(seen)) seen = dirname(seen);
  let held = attempt(() => accessSync(seen, constants.X_OK) || true) ? false : null; // not there, or hidden from this user?
  let locker = null;
  if (stat) {
    const fd = stat.isFile()
      ? attempt(() => openSync(`${guard.path}.lock`, constants.O_RDONLY | constants.O_NOFOLLOW))
      : undefined;
    const { is, by } = fd === undefined ? { is: 'error', by: null } : flock(fd, true);
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
 * survived. Under lock names of its own: no worker is started or disturbed.
 */
function probe(dir) {
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
  const name = `.probe-${process.pid}-${Date.now()}`;
  const instance = (name) => {
    const argv = [fileURLToPath(import.meta.url), '--try', dir, name];
    const run = spawnSync(process.execPath, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const error = run.error ? run.error.message : run.stderr.trim();
    if (error) result.errors.push(error);
    return { exit: run.status ?? -1, lines: (run.stdout || '').trim().split('\n') };
  };
  const first = instance(name);
  result.acquired = first.exit === 0 && first.lines.join() === 'running';
  if (result.acquired) {
    acquire({ dir, name }); // this process holds the lock from here on
    const second = instance(name);
    result.refused = { exit: second.exit, message: second.lines[0] };
    writeFileSync(`${dir}/${name}-dead.pid`, '99999\n'); // what a killed instance leaves behind
    const { lines } = instance(`${name}-dead`);
    result.stale = { recovered: lines[lines.length - 1] === 'running', message: lines[0] };
  } else {
    result.errors.push(`the first instance ended with ${first.exit}: ${first.lines[0]}`);
  }
  // The probe's own files, nobody waits for them.
  for (const file of readdirSync(dir)) if (file.startsWith(name)) remove(`${dir}/${file}`);
  result.ok =
    result.acquired &&
    result.refused.exit === 0 &&
    result.stale.recovered &&
    result.refused.message.startsWith('Another instance is already running');
  return result;
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
    maxJobs: number('maxJobs'),
    wait: number('wait'),
    verbose: yes('verbose'),
    killStuck: yes('killStuck'),
    shared: query.get('shared') || '',
  });
} else if (
  isMainThread &&
  process.argv[1] &&
  attempt(() => realpathSync(process.argv[1])) === fileURLToPath(import.meta.url)
) {
  main(process.argv.slice(2));
}
