// SARIF 2.1.0 and workflow annotations: what code scanning needs of a document, and the same places as in the text.
import { describe, expect, test } from 'vitest';
import { scan } from '../../src/commands/scan.ts';
import { annotations } from '../../src/show/github.ts';
import { levels } from '../../src/survey/rules/levels.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { incident } from '../support/site.ts';

interface Log {
  version: string;
  $schema: string;
  runs: {
    columnKind: string;
    tool: { driver: { name: string; rules: Rule[] } };
    invocations: { executionSuccessful: boolean }[];
    results: Result[];
  }[];
}
interface Rule {
  id: string;
  shortDescription: { text: string };
  help: { text: string };
  defaultConfiguration: { level: string };
}
interface Result {
  ruleId: string;
  ruleIndex: number;
  level: string;
  message: { text: string };
  locations: {
    physicalLocation: {
      artifactLocation: { uri: string; uriBaseId?: string };
      region: { startLine: number; startColumn?: number; endColumn?: number };
    };
  }[];
  suppressions?: { kind: string; justification: string }[];
}

const text =
  '# cronlatch-ignore: percent -- meant\n0 3 * * * mail ops%hello\n61 * * * * x\n* * * * * /usr/local/bin/x 2>&1 > /srv/ä.log # wörter\n0 3 * * * x --password=hunter22\n';
const scanned = async (command: string, path = '/root/deploy/my crontab') => {
  const machine = incident();
  machine.put(
    path,
    text.replace(/[äö]/g, (sign) => Buffer.from(sign).toString('latin1')),
  );
  const { ctx, out } = await contextFor(memoryServer(machine), command);
  const line = { ...ctx.line, flags: { ...ctx.line.flags, file: [path] } };
  const settings = {
    ...ctx.settings,
    scope: { is: 'files', paths: [path], system: false, live: false },
  } as const;
  return { ...(await scan({ ...ctx, line, settings })), out: out() };
};

describe('scan --format sarif', () => {
  test('is one run of SARIF 2.1.0 with every rule, described, and nothing on the screen', async () => {
    const { document, out, exit } = await scanned('scan --format sarif');
    const log = document as unknown as Log;
    expect(out).toBe('');
    expect(exit).toBe(3);
    expect(log.version).toBe('2.1.0');
    expect(log.$schema).toMatch(/^https:.*sarif-2\.1\.0.*\.json$/);
    const [run] = log.runs;
    expect(log.runs).toHaveLength(1);
    expect(run?.columnKind).toBe('utf16CodeUnits');
    expect(run?.invocations).toEqual([{ executionSuccessful: true }]);
    expect(run?.tool.driver.rules.map(({ id }) => id)).toEqual(Object.keys(levels));
    for (const rule of run?.tool.driver.rules ?? []) {
      expect(rule.shortDescription.text.length).toBeGreaterThan(10);
      expect(rule.help.text).toContain(`docs/rules.md, section ${rule.id}`);
      expect(['error', 'warning', 'note']).toContain(rule.defaultConfiguration.level);
    }
  });

  test('each result names its rule, has words, and stands in a line and columns that are there', async () => {
    const { document } = await scanned('scan --format sarif');
    const [run] = (document as unknown as Log).runs;
    const lines = text.split('\n');
    expect(run?.results.length).toBeGreaterThan(4);
    for (const { ruleId, ruleIndex, level, message, locations } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(['error', 'warning', 'note']).toContain(level);
      expect(message.text).toMatch(/ /);
      const { artifactLocation, region } = locations[0]?.physicalLocation ?? {};
      expect(artifactLocation).toEqual({ uri: 'deploy/my%20crontab', uriBaseId: '%SRCROOT%' });
      const line = lines[(region?.startLine ?? 0) - 1] ?? '';
      expect(region?.startLine).toBeGreaterThanOrEqual(1);
      expect(region?.startColumn ?? 1).toBeLessThanOrEqual(line.length + 1);
      expect(region?.endColumn ?? 1).toBeLessThanOrEqual(line.length + 1);
    }
    const order = run?.results.find(({ ruleId }) => ruleId === 'redirect-order');
    const region = order?.locations[0]?.physicalLocation.region;
    expect(lines[3]?.slice((region?.startColumn ?? 1) - 1, (region?.endColumn ?? 1) - 1)).toBe(
      '2>&1 > /srv/ä.log',
    );
  });

  test('a finding that a comment speaks for is there, marked as suppressed, with the reason', async () => {
    const { document } = await scanned('scan --format sarif');
    const [run] = (document as unknown as Log).runs;
    const suppressed = run?.results.filter((one) => one.suppressions !== undefined);
    expect(suppressed?.map(({ ruleId, suppressions }) => [ruleId, suppressions])).toEqual([
      ['percent', [{ kind: 'inSource', justification: 'meant' }]],
    ]);
  });

  test('a crontab outside of the directory one stands in has an absolute address', async () => {
    const { document } = await scanned('scan --format sarif', '/etc/my crontab');
    const [result] = (document as unknown as Log).runs[0]?.results ?? [];
    expect(result?.locations[0]?.physicalLocation.artifactLocation).toEqual({
      uri: 'file:///etc/my%20crontab',
    });
  });
});

describe('scan --format github', () => {
  test('is one annotation a line, relative to the repository', async () => {
    const { document, out } = await scanned('scan --format github --only redirect-order');
    expect(out).toBe('');
    expect(String(document).split('\n')).toContainEqual(
      expect.stringMatching(
        /^::warning file=deploy\/my crontab,line=4,col=28,endColumn=45,title=redirect-order::2>&1 stands in front of > \/srv\/ä\.log/,
      ),
    );
    // What cron refuses is said, whatever was asked for.
    expect(String(document)).toMatch(/^::error .*line=3,.*title=bad-field::/m);
  });

  test('line breaks, percent signs, colons and commas of strangers end no command', () => {
    const evil = {
      level: 'warn',
      code: 'unknown-user',
      where: { source: 'a,b:c%\n', line: 1 },
      args: { user: 'x\n::error::%' },
    } as const;
    const said = annotations([evil], (source) => source);
    expect(said.split('\n')).toHaveLength(2);
    expect(said).toContain('file=a%2Cb%3Ac%25%0A,');
    expect(said).toContain("'x%0A::error::%25'");
  });
});
