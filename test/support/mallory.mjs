// Run as the user who owns a site: swaps its script, its directories, the guard and every temporary file for links,
// FIFOs and other people's files, over and over, while root deploys there. argv: site, victims, note, seed.
import * as fs from 'node:fs';

const [site, victims, note, seed] = process.argv.slice(2);
/** What he does next is told by the seed; when it meets root's next act is not. */
let state = Number(seed);
const random = () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const scripts = `${site}/scripts`;
const worker = `${scripts}/worker.php`;
const good = '<?php\n$once = in_array("--once", $argv, true);\ndo { sleep(1); } while (!$once);\n';
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const quietly = (act) => {
  try {
    act();
    swaps++;
  } catch {
    // Somebody was quicker, or it is not allowed.
  }
};
let swaps = 0;
let tick = 0;
const aside = () => `${site}/aside.${tick++ % 50}`;

/** Puts what `make` makes at a path, in one rename. */
const swap = (path, make) =>
  quietly(() => {
    const name = aside();
    fs.rmSync(name, { recursive: true, force: true });
    make(name);
    fs.renameSync(name, path);
  });
const link = (to) => (name) => fs.symlinkSync(to, name);
const whole = () => {
  quietly(() => {
    if (fs.lstatSync(scripts).isSymbolicLink()) fs.unlinkSync(scripts);
  });
  quietly(() => fs.renameSync(`${site}/scripts.real`, scripts));
  for (const path of [`${site}/cronlatch`, `${site}/../cronlatch`])
    quietly(() => {
      if (fs.lstatSync(path).isSymbolicLink()) fs.unlinkSync(path);
    });
  quietly(() => {
    if (!fs.lstatSync(`${scripts}/cronlatch-guard.php`).isFile())
      fs.unlinkSync(`${scripts}/cronlatch-guard.php`);
  });
  // Now and then the site is as if nobody had ever been there.
  if (random() < 0.4) {
    quietly(() => fs.rmSync(`${scripts}/cronlatch-guard.php`));
    quietly(() => fs.rmSync(`${site}/../cronlatch`, { recursive: true }));
  }
  // The same to the nanosecond each time, so that the plan that was made still fits.
  swap(worker, (name) => {
    fs.writeFileSync(name, good, { mode: 0o640 });
    fs.utimesSync(name, 1_700_000_000, 1_700_000_000);
  });
};
const swapDirectory = (path, to) => {
  quietly(() => fs.renameSync(path, `${path}.real`));
  quietly(() => fs.symlinkSync(to, path));
  pause(random() * 4);
  quietly(() => fs.unlinkSync(path));
  quietly(() => fs.renameSync(`${path}.real`, path));
};

const tricks = [
  () => swap(worker, link(`${victims}/secret`)),
  () => swap(worker, link(`${victims}/scripts/worker.php`)),
  () => swap(worker, link(`${victims}/nothing-yet`)),
  () => swap(worker, (name) => fs.linkSync(`${victims}/readable`, name)),
  () => swap(worker, (name) => fs.linkSync(`${site}/fifo`, name)),
  () => swap(`${scripts}/cronlatch-guard.php`, link(`${victims}/secret`)),
  () => swap(`${scripts}/cronlatch-guard.php`, link(`${victims}/nothing-yet`)),
  () => swap(`${scripts}/cronlatch-guard.php`, (name) => fs.linkSync(`${site}/fifo`, name)),
  () => swapDirectory(scripts, `${victims}/scripts`),
  () => swapDirectory(`${site}/../cronlatch`, victims),
  () => quietly(() => fs.symlinkSync(`${victims}/open`, `${site}/../cronlatch`)),
  () => swapDirectory(site, `${victims}/site`),
];

process.on('SIGTERM', () => process.exit(0));
for (;;) {
  whole();
  // Most of the time he waits until root is at work, as its first directory and its temporary files tell.
  const until = Date.now() + (random() < 0.7 ? 3000 : random() * 400);
  const luck = random();
  while (Date.now() < until) {
    let names = [];
    try {
      names = fs.readdirSync(scripts).filter((name) => name.startsWith('.cronlatch-new.'));
    } catch {
      // The directory is a link at the moment.
    }
    for (const name of names) if (luck < 0.4) swap(`${scripts}/${name}`, link(`${victims}/secret`));
    if (names.length > 0 && luck > 0.6) break;
    if (luck > 0.85 && fs.existsSync(`${site}/../cronlatch`)) break;
    pause(1);
  }
  for (let i = 0; i < 6; i++) {
    tricks[Math.floor(random() * tricks.length)]();
    pause(random() * 6);
  }
  fs.writeFileSync(note, `${swaps}`);
}
