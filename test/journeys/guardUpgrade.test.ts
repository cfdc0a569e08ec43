// The guard's file from an earlier cronlatch: the next deploy brings it up to date, as a step of its plan.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { guardFile } from '../../src/worker/guard.ts';
import { contextFor } from '../support/context.ts';
import { type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.processes = [];
});

const run = async (line: string) => {
  machine.clock += 1000; // two commands never begin in the same millisecond
  const told = await contextFor(memoryServer(machine), line);
  return { ...(await deploy(told.ctx)), ...told };
};

/** Puts the guard's text in place that a cronlatch of this version would have. */
function install(path: string, version: string): string {
  const node = machine.live.get(path);
  if (node === undefined) throw new Error(`${path} is absent`);
  const text = `<?php\n// cronlatch-guard version: ${version}\nreturn fn () => null;\n`;
  machine.put(path, text, { mode: node.mode, uid: node.uid, gid: node.gid });
  return text;
}

describe.each([
  { place: 'script', path: script.replace('process_import_jobs', 'cronlatch-guard') },
  { place: 'entry', path: `${home}/cronlatch/cronlatch-guard.php` },
])('a guard for the $place', ({ place, path }) => {
  const line = `deploy --all --guard ${place} --ci --without verify`;

  test('that is older is replaced, and nothing else', async () => {
    expect((await run(line)).exit).toBe(0);
    expect(machine.live.get(path)?.bytes).toBe(guardFile('php'));
    for (const version of ['1.0.0', '1.0.12', '0.9.9']) {
      install(path, version);
      const before = machine.picture();
      const { exit, json } = await run(line);
      expect(exit).toBe(0);
      const { steps } = json['plan'] as { steps: { kind: string; what?: string; path?: string }[] };
      expect(steps.filter((step) => step.kind !== 'stop-process')).toMatchObject([{ what: 'guard', path }]);
      expect(machine.live.get(path)?.bytes).toBe(guardFile('php'));
      const after = machine.picture();
      expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual([path]);
    }
  });

  test('that is newer than this cronlatch is left alone', async () => {
    await run(line);
    for (const version of ['1.10.0', '99.0.0']) {
      const newer = install(path, version);
      expect((await run(line)).out()).toContain('Already deployed.');
      expect(machine.live.get(path)?.bytes).toBe(newer);
    }
  });
});
