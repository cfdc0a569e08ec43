// The sandbox's legacy worker for machines without PHP: no lock, and without --once it never ends.
import { readdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const jobs = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'jobs');
const once = process.argv.includes('--once');

do {
  for (const name of readdirSync(jobs).filter((n) => n.endsWith('.todo'))) {
    const mine = join(jobs, name.replace('.todo', `.${process.pid}`));
    try {
      renameSync(join(jobs, name), mine);
    } catch {
      continue; // another instance was faster
    }
    await sleep(600);
    unlinkSync(mine);
    console.log(new Date().toISOString(), 'done', name.replace('.todo', ''));
  }
  if (!once) await sleep(1000);
} while (!once);
