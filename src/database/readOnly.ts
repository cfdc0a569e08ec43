// Does a statement of the user's own only read? Its words are told from what stands in quotes and comments, as the server tells them.

/** How a server may be set: a backslash in quotes escapes or not, by the kind of quotes (NO_BACKSLASH_ESCAPES, ANSI_QUOTES). */
interface Mode {
  readonly single: boolean;
  readonly double: boolean;
}

const modes: readonly Mode[] = [
  { single: true, double: true },
  // A name in double quotes knows no escapes.
  { single: true, double: false },
  { single: false, double: false },
];

type Token =
  | { readonly is: 'word'; readonly text: string }
  /** In backticks or double quotes: a name, perhaps that of a function. */
  | { readonly is: 'name'; readonly text: string }
  | { readonly is: 'string' }
  | { readonly is: 'sign'; readonly text: string };

/** A character of a word that nobody quotes; in the server's eyes every letter beyond ASCII is one. */
const wordy = /[\w$\u0080-\uffff]/;

/** A word may follow a number without a space between: `1e1into` are two, and so are `1.e1into`. */
const number = /^\d+(?:e\d+)?/;
const exponent = /^e\d+/;

/** The statement's tokens; 'unsafe' where something runs that looks like a comment, or nobody can say where it ends. */
function tokensOf(sql: string, mode: Mode): readonly Token[] | 'unsafe' {
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    const c = sql[at] ?? '';
    const two = sql.slice(at, at + 2);
    // `\N` is NULL, and what follows it a word of its own: nobody needs it here.
    if (c === '\0' || c === '\\') return 'unsafe';
    if (/[ \t\n\v\f\r]/.test(c)) at++;
    else if (c === '#' || (two === '--' && /^(?:$|[\0-\x20\x7f])/.test(sql.slice(at + 2)))) {
      const end = sql.indexOf('\n', at);
      at = end === -1 ? sql.length : end + 1;
    } else if (two === '/*') {
      // `/*!` and `/*M!` are run by who is new enough; `/*+` sets variables.
      const end = sql.indexOf('*/', at + 2);
      if (end === -1 || /^(?:!|M!|\+)/i.test(sql.slice(at + 2))) return 'unsafe';
      at = end + 2;
    } else if (c === "'" || c === '"' || c === '`') {
      const escapes = (c === "'" && mode.single) || (c === '"' && mode.double);
      const end = endOfQuote(sql, at, escapes);
      if (end === -1) return 'unsafe';
      tokens.push(c === "'" ? { is: 'string' } : { is: 'name', text: sql.slice(at + 1, end - 1) });
      at = end;
    } else if (wordy.test(c)) {
      let end = at + 1;
      while (end < sql.length && wordy.test(sql[end] ?? '')) end++;
      const rest = sql[at - 1] === '.' ? exponent : number;
      tokens.push({
        is: 'word',
        text: sql.slice(at, end).toLowerCase().replace(rest, '').replace(number, ''),
      });
      at = end;
    } else {
      tokens.push({ is: 'sign', text: c });
      at++;
    }
  }
  return tokens;
}

/** Behind the closing quote; a doubled one is a letter. -1 without an end. */
function endOfQuote(sql: string, start: number, escapes: boolean): number {
  const quote = sql[start];
  for (let at = start + 1; at < sql.length; at++) {
    if (escapes && sql[at] === '\\') at++;
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return -1;
}

/** Words that stand in no statement that only reads, unless somebody quotes them as names. */
const writes = new Set(['into', 'insert', 'update', 'delete', 'replace', 'merge', 'lock', 'procedure']);
/** Of these some are functions, too: `REPLACE(a, b, c)`. */
const functions = new Set(['insert', 'replace']);
/** Functions that wait, hold, read files or count something up. */
const acts =
  /^(?:get_lock|release_lock|release_all_locks|sleep|benchmark|load_file|nextval|setval|lastval|master_pos_wait|master_gtid_wait|source_pos_wait|wait_for_executed_gtid_set|wait_until_sql_thread_after_gtids|last_insert_id|sys_exec|sys_eval|sys_set|wsrep_sync_wait_upto(?:_gtid)?|service_(?:get_(?:read|write)|release)_locks|spider_\w+)$/i;

function reads(tokens: readonly Token[]): boolean {
  const [first] = tokens;
  if (first?.is !== 'word' || (first.text !== 'select' && first.text !== 'with')) return false;
  return tokens.every((token, at) => {
    const next = tokens[at + 1];
    const called = next?.is === 'sign' && next.text === '(';
    if (token.is === 'sign') return token.text !== ';' || next === undefined;
    if (token.is === 'string') return true;
    if (called && acts.test(token.text)) return false;
    if (token.is === 'name') return true;
    const follows = next?.is === 'word' ? next.text : '';
    if (token.text === 'for') return !['update', 'share'].includes(follows);
    if (token.text === 'next' || token.text === 'previous') return follows !== 'value';
    return !writes.has(token.text) || (functions.has(token.text) && called);
  });
}

/**
 * Is this one statement that only reads, however the server is set? What a transaction that is read-only does not stop (files, locks,
 * waiting, variables) is refused here. A word such as `update` is refused even as a name, unless it is quoted.
 */
export function onlyReads(sql: string): boolean {
  return modes.every((mode) => {
    const tokens = tokensOf(sql, mode);
    return tokens !== 'unsafe' && reads(tokens);
  });
}
