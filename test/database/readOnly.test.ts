// A statement of the user's own: one that only reads is let through, whatever its quotes and comments hide is looked at.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onlyReads } from '../../src/database/readOnly.ts';

test.each([
  ['SELECT COUNT(*) AS pending FROM q WHERE s = 1', true],
  ["select sum(s='into outfile') pending from q;", true],
  ['WITH x AS (SELECT 1) SELECT 2 AS pending', true],
  ["SELECT REPLACE(s, 'a', 'b'), INSERT(s, 1, 2, 'x') FROM q", true],
  ['SELECT SUBSTRING(s FROM 1 FOR 2) FROM q WHERE s = \'it\'\'s\' AND t = "say ""x"""', true],
  ['SELECT `update`, q.`delete` FROM q -- into @x', true],
  ['SELECT 1 # ; DELETE FROM q', true],
  ['SELECT 1 /* ; DELETE FROM q */ AS pending', true],
  ['SELECT 5--1 AS pending', true],
  ["SELECT IS_FREE_LOCK('w') AS stuck", true],
  ['SELECT 1;\n-- the end\n', true],
  ['UPDATE q SET s = 1', false],
  ['SELECT 1; DELETE FROM q', false],
  ["SELECT 1 INTO OUTFILE '/tmp/x'", false],
  ['SELECT 1 INTO @x', false],
  ['SELECT 1.into @x', false],
  ['SELECT 1.5into @x', false],
  ['SELECT 1e1into @x', false],
  ["SELECT 1.e1into outfile '/tmp/x'", false],
  ['SELECT 1.e1lock in share mode', false],
  ['SELECT 1.e1procedure analyse()', false],
  ['SELECT /*+ SET_VAR(sql_mode="") */ 1', false],
  ["SELECT wsrep_sync_wait_upto('x')", false],
  ["SELECT service_get_write_locks('n', 'a', 1)", false],
  ['SELECT 1e+1into @x', false],
  ['SELECT \\Ninto @x', false],
  ["SELECT x'41'into @x", false],
  ['SELECT * FROM q FOR UPDATE', false],
  ['SELECT * FROM q FOR/**/UPDATE', false],
  ['SELECT * FROM q LOCK IN SHARE MODE', false],
  ["SELECT GET_LOCK('x', 1)", false],
  ['SELECT `sleep`(1)', false],
  ['SELECT "sleep" (1)', false],
  ['SELECT SLEEP/**/(100)', false],
  ['SELECT NEXT VALUE FOR s', false],
  ['SELECT /*!50000 1 INTO DUMPFILE */ 1', false],
  ['SELECT /*M!100100 1 INTO @x */ 1', false],
  ['WITH x AS (SELECT 1) DELETE FROM q', false],
  // What the quotes of one setting of the server hide stands open in another.
  ["SELECT 'a\\' ; DELETE FROM q -- '", false],
  ['SELECT "a\\" ; DELETE FROM q -- "', false],
  // What was taken for a quote is in a comment, and the other way round.
  ["SELECT 1 -- '\n; DELETE FROM q -- '", false],
  ["SELECT '--' ; DELETE FROM q", false],
  ['SELECT 1 /* " */ ; DELETE FROM q /* " */', false],
  ['SELECT 1 -- \r; DELETE FROM q', true],
  ["SELECT 'open", false],
  ['SELECT 1 /* open', false],
  ['CALL p()', false],
  ['', false],
])('%s', (sql, reads) => {
  expect(onlyReads(sql)).toBe(reads);
});

describe('whatever is written', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', ';', "'", '"', '`', '#', '-', '/', '*', '\\', '\n', '!'),
  });
  const quoted = fc.oneof(
    text.map((t) => `'${t.replace(/[\\']/g, "''")}'`),
    text.map((t) => `"${t.replace(/[\\"]/g, '""')}"`),
    text.map((t) => `\`${t.replaceAll('`', '``')}\``),
    text.map((t) => `/* ${t.replaceAll('*/', '')} */`),
    text.map((t) => `-- ${t.replaceAll('\n', '')}\n`),
    text.map((t) => `#${t.replaceAll('\n', '')}\n`),
  );
  const deed = fc.constantFrom(
    '; DELETE FROM q',
    ' INTO @x',
    " INTO OUTFILE '/tmp/x'",
    ' FOR UPDATE',
    ', SLEEP(9)',
    ' /*!99999 x */',
    ', NEXT VALUE FOR s',
  );

  test('what stands in quotes and comments changes nothing', () => {
    fc.assert(
      fc.property(fc.array(quoted), (parts) => {
        expect(onlyReads(`SELECT 1 ${parts.join(' + ')} AS pending`)).toBe(true);
      }),
    );
  });

  test('what stands outside of them is seen, wherever it is', () => {
    fc.assert(
      fc.property(fc.array(quoted), deed, fc.array(quoted), (before, act, after) => {
        expect(onlyReads(`SELECT 1 ${before.join(' ')}${act} ${after.join(' ')}`)).toBe(false);
      }),
    );
  });
});
