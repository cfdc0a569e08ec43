// Does the lock work here? Tries it with this Node, as this user, in a directory of its own that it removes again.
//
//     node test_lock.mjs                     beside cronlatch-guard.mjs
//     node test_lock.mjs --dir /abs/dir      on the drive where the locks are to be
//     node test_lock.mjs --guard FILE --json
//
// No worker of yours is started or stopped. Exit code 0: all passed; 1: something failed; 2: it cannot be tried here.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const options = { '--guard': join(here, 'cronlatch-guard.mjs'), '--dir': process.cwd() };
let json = false;
for (let i = 2; i < process.argv.length; i++) {
  const word = process.argv[i];
  if (word === '--json') json = true;
  else if (word in options && process.argv[i + 1] !== undefined) options[word] = process.argv[++i];
  else refuse(`'${word}' is not understood; it takes --guard FILE, --dir DIR and --json`);
}

function refuse(why) {
  process.stderr.write(`The lock cannot be tried here: ${why}.\n`);
  process.exit(2);
}

const found = [];
function that(name, holds, saw = '') {
  found.push({
    name,
    is: holds ? 'pass' : 'fail',
    saw: holds ? '' : String(saw).replace(/\s+/g, ' ').trim(),
  });
}

if (!fs.existsSync(options['--guard'])) refuse(`there is no guard ${options['--guard']} (--guard FILE)`);
if (!fs.existsSync(options['--dir'])) refuse(`there is no directory ${options['--dir']} (--dir DIR)`);
const root = join(resolve(options['--dir']), `.cronlatch-test-${process.pid}`);
const dir = join(root, 'lock');
const path = (ending) => join(dir, `worker${ending}`);
const read = (ending) => (fs.existsSync(path(ending)) ? fs.readFileSync(path(ending), 'utf8') : '');

const started = [];
/** One started worker: it runs until its input ends. */
function start() {
  const child = spawn(process.execPath, [join(root, 'cronlatch-test-worker.mjs')], { stdio: 'pipe' });
  const run = { child, out: '', err: '', code: undefined };
  child.stdin.on('error', () => {});
  child.stdout.on('data', (text) => {
    run.out += text;
  });
  child.stderr.on('data', (text) => {
    run.err += text;
  });
  run.ended = new Promise((done) => {
    child.on('close', (code) => {
      run.code = code ?? -1;
      done(run);
    });
  });
  started.push(run);
  return run;
}

async function until(holds) {
  for (let tries = 0; tries < 1000 && !holds(); tries++) await new Promise((done) => setTimeout(done, 10));
  return holds();
}
const runs = (run) =>
  until(() => run.out.includes('running\n') || run.code !== undefined).then(() =>
    run.out.includes('running\n'),
  );
function end(run) {
  run.child.stdin.end();
  return run.ended;
}
function kill(run, signal) {
  run.child.kill(signal);
  return run.ended;
}

async function basic() {
  const first = start();
  that('an instance takes the lock', await runs(first), first.err);
  that('the PID file names it', read('.pid').trim() === String(first.child.pid), read('.pid'));
  const second = await end(start());
  const told = second.out.startsWith(`Another instance is already running (PID: ${first.child.pid})`);
  that('a second instance is refused and says who runs', told, second.out + second.err);
  that(
    'the refused one ends with exit code 0, so that cron is quiet',
    second.code === 0 && second.err === '',
    `exit code ${second.code} ${second.err}`,
  );
  await end(first);
  that('it ends by itself', first.code === 0, `exit code ${first.code} ${first.err}`);
  that('its PID file is gone', read('.pid') === '');
  that('the lock file stays: deleting it is what lets two instances run', fs.existsSync(path('.lock')));
  const next = start();
  that('the next run gets the lock', await runs(next), next.err);
  await end(next);
  const modes = [path('.lock'), dir].map((p) => (fs.statSync(p).mode & 0o777).toString(8)).join(' ');
  that('nobody else may read or write the lock', modes === '600 700', modes);
}

async function edges() {
  const killed = start();
  await runs(killed);
  await kill(killed, 'SIGKILL');
  that(
    'a killed instance leaves its PID file',
    read('.pid').trim() === String(killed.child.pid),
    read('.pid'),
  );
  const next = start();
  const ran = await runs(next);
  const text = `Removing stale lock file from dead process (PID: ${killed.child.pid})`;
  that('the next run says so, and runs', ran && next.out.startsWith(text), next.out + next.err);
  await end(next);
  for (const [name, pid] of [
    ['the PID of nobody blocks nothing', '99999999'],
    ['the PID of another program blocks nothing', String(process.pid)],
    ['the PID of another user’s process blocks nothing', '1'],
    ['a PID file without a number blocks nothing', 'none'],
  ]) {
    fs.writeFileSync(path('.pid'), `${pid}\n`);
    const run = start();
    that(name, (await runs(run)) && (await end(run)).code === 0, run.out + run.err);
  }
  const holder = start();
  await runs(holder);
  fs.unlinkSync(path('.lock')); // what the old advice told people to do
  const late = await end(start());
  that(
    'a deleted lock file does not let a second instance run',
    late.code === 75,
    `exit code ${late.code} ${late.out}${late.err}`,
  );
  await end(holder);
  const crowd = Array.from({ length: 5 }, start);
  await Promise.all(crowd.map(runs));
  const winners = crowd.filter((run) => run.out.includes('running\n')).length;
  const codes = (await Promise.all(crowd.map(end))).map((run) => run.code);
  that('of five started at once exactly one runs', winners === 1, `${winners} ran`);
  that(
    'and none of them fails',
    codes.every((code) => code === 0),
    codes.join(' '),
  );
  const asked = start();
  await runs(asked);
  await kill(asked, 'SIGTERM');
  that('SIGTERM removes the PID file', read('.pid') === '', read('.pid'));
  fs.unlinkSync(path('.lock'));
  fs.writeFileSync(join(root, 'target'), 'untouched');
  fs.symlinkSync(join(root, 'target'), path('.lock'));
  const link = await end(start());
  const kept = fs.readFileSync(join(root, 'target'), 'utf8') === 'untouched';
  that('a link in the place of the lock file is refused', link.code === 77 && kept, `exit code ${link.code}`);
}

try {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
} catch (error) {
  refuse(`cannot make a directory in ${options['--dir']}: ${error.code}`);
}
const url = `${pathToFileURL(resolve(options['--guard']))}?dir=${encodeURIComponent(dir)}&name=worker&verbose=1`;
fs.writeFileSync(
  join(root, 'cronlatch-test-worker.mjs'),
  `import ${JSON.stringify(url)};\nconsole.log('running');\nprocess.stdin.resume();\n`,
  { mode: 0o600 },
);
try {
  await basic();
  await edges();
} finally {
  for (const run of started) if (run.code === undefined) await kill(run, 'SIGKILL');
  fs.rmSync(root, { recursive: true, force: true });
}
const failed = found.filter(({ is }) => is === 'fail').length;
const title = 'lock tests';
if (json) console.log(JSON.stringify({ title, node: process.versions.node, tests: found }));
else {
  for (const { name, is, saw } of found)
    console.log(`${is === 'pass' ? '✓' : '✗'} ${name}${saw === '' ? '' : `  (${saw})`}`);
  console.log(failed === 0 ? `All ${title} passed.` : `${failed} of the ${title} FAILED.`);
}
process.exitCode = failed === 0 ? 0 : 1;
