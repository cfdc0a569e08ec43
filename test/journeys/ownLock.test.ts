// A lock that the script brings along: recognised, and its faults said in words.
import { expect, it } from 'vitest';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, memoryServer } from '../support/memory-server.ts';
import { incident, script } from '../support/site.ts';

async function scanned(code: string): Promise<{ found: { code: string; level: string; message: string }[] }> {
  const machine = incident();
  machine.processes = [];
  machine.put(script, `<?php\n${code}\n`, { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o640 });
  const told = await contextFor(memoryServer(machine), 'scan --user example-user --json');
  const { json } = await scan(told.ctx);
  const text = JSON.stringify(json);
  const found: { code: string; level: string; message: string }[] = [];
  JSON.parse(text, (_, value) => {
    if (value?.code === 'own-lock' || value?.code === 'no-lock') found.push(value);
    return value;
  });
  return { found };
}

it('one that is kept well is a note', async () => {
  const { found } = await scanned(
    "$fp = fopen($f, 'c+e'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit(0); work();",
  );
  expect(found).toMatchObject([{ code: 'own-lock', level: 'note' }]);
});

it('the recipe of the incident is a warning that names what is wrong with it', async () => {
  const { found } = await scanned(
    "if (!posix_kill($pid, 0)) unlink($lockFile); $fp = fopen($lockFile, 'w'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit(0);",
  );
  expect(found).toMatchObject([{ code: 'own-lock', level: 'warn' }]);
  expect(found[0]?.message).toMatch(/deletes its lock file.*opens the file with w.*for a dead one/);
});

it('a PID file is no lock, and a warning of its own', async () => {
  const { found } = await scanned(
    'if (is_file($p) && posix_kill((int) file_get_contents($p), 0)) exit; file_put_contents($p, getmypid());',
  );
  expect(found.map(({ code }) => code).sort()).toEqual(['no-lock', 'own-lock']);
  expect(found.find(({ code }) => code === 'own-lock')?.message).toContain('keeps a PID file');
});
