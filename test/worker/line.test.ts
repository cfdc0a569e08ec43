// The guard's line with a second lock in it: written, read, changed, taken out.
import { describe, expect, it } from 'vitest';
import { findGuard, guardLine, removeGuard, withShared } from '../../src/worker/line.ts';

describe('the second lock', () => {
  const call = { dir: '/l', name: 'w' } as const;
  it.each([
    { kind: 'php', guardPath: './cronlatch-guard.php', shared: "/home/it's/.env" },
    { kind: 'node', guardPath: './cronlatch-guard.mjs', shared: "/home/it's/a&b.env" },
  ] as const)(
    '$kind: is read back as it was written, and put in place of another one',
    ({ kind, guardPath, shared }) => {
      const line = guardLine({ ...call, kind, guardPath, more: { shared, maxTime: 55 } });
      expect(findGuard(line)).toMatchObject({ shared });
      const plain = guardLine({ ...call, kind, guardPath, more: { maxTime: 55 } });
      expect(findGuard(plain)).not.toHaveProperty('shared');
      expect(withShared(`${plain}\nrest`, shared)).toBe(`${line}\nrest`);
      expect(withShared(withShared(plain, 'env'), shared)).toBe(line);
    },
  );

  it('a callable that a person wrote there keeps the line recognisable', () => {
    const by = "static fn () => new PDO($c['dsn'], $c['user'])";
    const line = guardLine({ ...call, kind: 'php', guardPath: './g.php' }).replace(
      ']);',
      `, 'shared' => ${by}]);`,
    );
    expect(findGuard(line)).toEqual({ line: 1, guardPath: './g.php', dir: '/l', name: 'w' });
    expect(removeGuard(`<?php\n${line}\n`)).toEqual({ is: 'removed', text: '<?php\n' });
  });
});
