// Every rule is documented, every documented example produces its finding, and what the page calls fixed does not.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { scan } from '../../src/commands/scan.ts';
import { sayFinding, titleOf } from '../../src/show/findings.ts';
import { isRule, levels, type RuleCode } from '../../src/survey/rules/levels.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, source, spool } from '../support/site.ts';
import { type Documented, documented, type Fixture, fixtures, page } from './documented.ts';

const root = resolve(import.meta.dirname, '../..');
const rules = documented();
const own = { uid: exampleUser.uid, gid: exampleUser.gid };

/** The site of the examples: a worker, one that knows --once, a Laravel application, and the programs that are named. */
function site(): Machine {
  const machine = incident();
  machine.processes = [];
  machine.live.delete(spool);
  const plain = '<?php\nwork();\n';
  for (const name of ['httpdocs/worker.php', 'artisan'])
    machine.put(`${home}/${name}`, plain, { ...own, mode: 0o755 });
  machine.put(`${home}/httpdocs/once.php`, source, own);
  for (const name of ['report', 'backup', 'clean-up', 'start', 'worker'])
    machine.put(`/usr/local/bin/${name}`, '#!', { mode: 0o755 });
  for (const name of ['curl', 'mysqldump', 'nice', 'node'])
    machine.put(`/usr/bin/${name}`, '#!', { mode: 0o755 });
  return machine;
}

const run = async (machine: Machine, command: string, { server, env }: Fixture) => {
  const told = await contextFor(
    (server ?? memoryServer)(machine),
    command,
    env === undefined ? {} : { env: { ...env } },
  );
  const { json } = await (command.startsWith('scan') ? scan : deploy)(told.ctx);
  return json;
};

type Found = {
  code: string;
  level: string;
  message: string;
  where?: { column?: number; endColumn?: number };
};

/** Codes and findings of a scan of the form, with the fixture's circumstances. */
async function scanned(
  machine: Machine,
  info: readonly string[],
  text: string,
  fixture: Fixture,
): Promise<Found[]> {
  const system = info.includes('system');
  const path = fixture.path ?? (system ? '/etc/cron.d/example' : spool);
  for (const at of [...machine.live.keys()]) if (at.startsWith('/etc/cron.d/')) machine.live.delete(at);
  machine.put(path, text, path === spool ? { uid: own.uid, gid: 104, mode: 0o600 } : {});
  fixture.before?.(machine);
  for (const command of fixture.first ?? []) await run(machine, command, {});
  fixture.later?.(machine);
  return look(machine, path, info, fixture);
}

async function look(
  machine: Machine,
  path: string,
  info: readonly string[],
  fixture: Fixture,
): Promise<Found[]> {
  const dialect = info.includes('cronie') ? ' --dialect cronie' : '';
  const where = path === spool ? '--user example-user' : `--file ${path}`;
  const json = (await run(machine, `scan ${where} --json${dialect}`, fixture)) as {
    findings: Found[];
    crontabs: { findings: Found[]; entries: { findings: Found[] }[] }[];
  };
  return [
    ...json.findings,
    ...json.crontabs.flatMap((c) => [...c.findings, ...c.entries.flatMap((e) => e.findings)]),
  ];
}

describe('docs/rules.md', () => {
  test('has every rule, once, in the order of the table, with its level and title', () => {
    expect(rules.map(({ code }) => code).sort()).toEqual(Object.keys(levels).sort());
    for (const { code, level } of rules) {
      expect([code, level]).toEqual([code, levels[code as RuleCode]]);
      expect(page).toContain(`**${level}** · ${titleOf(code as RuleCode)}.`);
    }
  });

  test.each(rules)(
    '$code: the example is found',
    async ({ code, bad }) => {
      const fixture = fixtures[code] ?? {};
      const text = fixture.text ?? bad.text;
      const found = await scanned(site(), bad.info, text, fixture);
      expect(found.map((f) => f.code)).toContain(code);
      // No other rule speaks without words, and no span ends before it begins.
      const odd = found.filter(({ code: other, message, where }) => {
        const { column = 1, endColumn = 1e6 } = where ?? {};
        return (
          !isRule(other) || /undefined|\[object|no words/.test(message) || column < 1 || endColumn < column
        );
      });
      expect(odd).toEqual([]);
    },
    120_000,
  );

  const mendable = rules.filter((rule): rule is Required<Documented> => rule.fixed !== undefined);
  test.each(mendable)('$code: what is fixed is not', async ({ code, bad, fixed }) => {
    const fixture = fixtures[code] ?? {};
    const mend = fixture.mend;
    const { server, env, first: _first, later: _later, ...kept } = fixture;
    const machine = site();
    if (mend?.run !== undefined) {
      await scanned(machine, bad.info, fixture.text ?? bad.text, fixture);
      await run(machine, mend.run, {});
      const after = await look(machine, spool, bad.info, {});
      expect(after.map((f) => f.code)).not.toContain(code);
      return;
    }
    const form = mend === undefined ? fixed : bad;
    const text = mend === undefined ? fixed.text : (mend.text ?? bad.text);
    const circumstances = mend === undefined ? { ...kept, server, env } : { ...kept, ...mend };
    const found = await scanned(machine, form.info, text, circumstances as Fixture);
    expect(found.map((f) => f.code)).not.toContain(code);
  });

  test('no rule has only an example: those without a fix are nothing to be fixed', () => {
    const unfixed = rules.filter((rule) => rule.fixed === undefined).map(({ code }) => code);
    expect(unfixed).toEqual(['own-lock', 'entry-lock', 'scheduler', 'panel-job']);
  });
});

describe('the words', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(?:crontab|survey|plan|commands)\/.*\.ts$/.test(name))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'));

  test('there is no finding without a sentence, whoever makes it', () => {
    // Every place that makes a finding or a mark names its code as a literal.
    const made = files.flatMap((text) => [
      ...[...text.matchAll(/\blevel: [^,]+,\s*code: '([a-z0-9-]+)'/g)].map((m) => m[1] ?? ''),
      ...[...text.matchAll(/\b(?:stop\(job|said\(job, '\w+'), '([a-z0-9-]+)'/g)].map((m) => m[1] ?? ''),
      ...[...text.matchAll(/\b(?:odd|refuse|mark|add|unreadable\(mark)\(\s*'([a-z0-9-]+)'/g)].map(
        (m) => m[1] ?? '',
      ),
    ]);
    expect(made.length).toBeGreaterThan(20);
    const speechless = [...new Set(made)].filter(
      (code) => sayFinding({ level: 'warn', code, args: {} }).what.includes('no words') && code !== 'refuse',
    );
    expect(speechless).toEqual([]);
  });

  test('no sentence is a bare code, and none ends in the middle', () => {
    for (const code of Object.keys(levels) as RuleCode[]) {
      const { what } = sayFinding({ level: 'warn', code, args: { line: 3, name: 'X' } });
      expect(what, code).toMatch(/^['"‘$<A-Za-z0-9&|>{(+[].* .*[.…]$/s);
      expect(what).not.toBe(code);
      expect(titleOf(code)).not.toMatch(/[.…]$/);
    }
  });
});
