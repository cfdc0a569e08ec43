// Refused connections: what an error says about the limit it met, and how many there were, from counters anybody may read.

/** Which limit refused a connection. */
export type RefusedBy =
  /** 1203: the account has no limit of its own and met the server's max_user_connections. */
  | 'global'
  /** 1226: the account's own MAX_USER_CONNECTIONS. */
  | 'account'
  /** 1040: max_connections of the whole server. */
  | 'server';

export type Failure =
  | { readonly is: 'full'; readonly by: RefusedBy; readonly errno: 1203 | 1226 | 1040 }
  /** 1226 about something else, such as max_queries_per_hour. */
  | { readonly is: 'hourly'; readonly resource: string; readonly errno: 1226 }
  | { readonly is: 'credentials'; readonly errno: 1044 | 1045 | 1698 }
  | { readonly is: 'unknown-database'; readonly errno: 1049 }
  | { readonly is: 'unknown-plugin' }
  /** Nobody answers there: down, a wrong place, or a firewall that says no. */
  | { readonly is: 'no-server' }
  /** Somebody answers, but not in time, or goes away in the middle. */
  | { readonly is: 'too-slow' | 'lost' }
  | { readonly is: 'tls' }
  | { readonly is: 'other'; readonly errno: number };

/** What a failed connection or statement means. The number decides; the text only where a wrapper hides the number. */
export function failureOf(errno: number, code: string, message: string): Failure {
  // With TLS the server's "full" comes before the handshake, wrapped into another error.
  const inText = /\b1040\b|Too many connections/i.test(message);
  if (errno === 1040 || (inText && errno !== 1203 && errno !== 1226))
    return { is: 'full', by: 'server', errno: 1040 };
  if (errno === 1203) return { is: 'full', by: 'global', errno };
  if (errno === 1226) {
    const resource = /exceeded the '([^']+)' resource/.exec(message)?.[1] ?? 'max_user_connections';
    return resource === 'max_user_connections'
      ? { is: 'full', by: 'account', errno }
      : { is: 'hourly', resource, errno };
  }
  if (errno === 1044 || errno === 1045 || errno === 1698) return { is: 'credentials', errno };
  if (errno === 1049) return { is: 'unknown-database', errno };
  if (/^(?:ENOENT|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EACCES|ENOTSOCK)$/.test(code))
    return { is: 'no-server' };
  if (/TIMEDOUT|TIMEOUT/.test(code) || errno === 1969 || errno === 3024) return { is: 'too-slow' };
  if (/AUTH_SWITCH_PLUGIN|auth.*plugin/i.test(`${code} ${message}`)) return { is: 'unknown-plugin' };
  if (/HANDSHAKE_(?:SSL|NO_SSL)|CERT|SSL|TLS/i.test(code)) return { is: 'tls' };
  if (
    /PROTOCOL_CONNECTION_LOST|ECONNRESET|EPIPE|PROTOCOL_PACKETS/.test(code) ||
    /closed state|closed by/i.test(message)
  )
    return { is: 'lost' };
  return { is: 'other', errno };
}

/** Counters of the whole server. MySQL does not have the middle two. */
export interface Counters {
  /** Aborted_connects. */
  readonly aborted: number;
  /** Aborted_connects_preauth. */
  readonly preauth?: number;
  /** Access_denied_errors. */
  readonly denied?: number;
  /** Connection_errors_max_connections. */
  readonly full: number;
  /** Seconds. */
  readonly uptime: number;
}

/** Tries of ours that failed between two looks, by what they raised: they are nobody else's refusals. */
export interface OwnTries {
  /** For a limit (1203, 1226), or a database that does not exist (1049): Aborted_connects. */
  readonly refused: number;
  /** For a password or an account (1044, 1045, 1698): Aborted_connects and Access_denied_errors. */
  readonly denied: number;
}

export const noTries: OwnTries = { refused: 0, denied: 0 };

export function sumOf(one: OwnTries, other: OwnTries): OwnTries {
  return { refused: one.refused + other.refused, denied: one.denied + other.denied };
}

export type Interval =
  /** So many connections were refused for a limit of an account, of anybody's on this server. */
  | { readonly is: 'interval'; readonly low: number; readonly high: number; readonly full: number }
  /** The server was restarted, or its counters were set to zero: they say nothing about the time before. */
  | { readonly is: 'reset' };

/**
 * Refusals with 1203 or 1226 between two looks, as bounds: a denied *table* raises the same counter as a denied
 * connection, so denials may not simply be subtracted. 1040 has a counter of its own, but for who meets the one place that is
 * kept for administrators: he counts as one of the others.
 */
export function refusalsBetween(before: Counters, after: Counters, own: OwnTries = noTries): Interval {
  const fell = (['aborted', 'preauth', 'denied', 'full', 'uptime'] as const).some(
    (name) => (after[name] ?? 0) < (before[name] ?? 0),
  );
  if (fell) return { is: 'reset' };
  const grown = (name: keyof Counters): number => (after[name] ?? 0) - (before[name] ?? 0);
  const full = grown('full');
  const high = Math.max(0, grown('aborted') - own.refused - own.denied - grown('preauth') - full);
  const known = after.preauth !== undefined && after.denied !== undefined;
  const denied = Math.max(0, grown('denied') - own.denied);
  return { is: 'interval', low: known ? Math.max(0, high - denied) : 0, high, full };
}

/** What the bounds prove about the account of one worker. Counters are everybody's: they never convict it alone. */
export function provenBy(interval: Interval): 'none' | 'some' | 'unclear' | 'reset' {
  if (interval.is === 'reset') return 'reset';
  if (interval.low > 0 || interval.full > 0) return 'some';
  return interval.high === 0 ? 'none' : 'unclear';
}

/** Rows of SHOW GLOBAL STATUS as counters. */
export function countersOf(rows: readonly Readonly<Record<string, unknown>>[]): Counters {
  const values = new Map(rows.map((row) => [String(row['Variable_name']), Number(row['Value'])]));
  const preauth = values.get('Aborted_connects_preauth');
  const denied = values.get('Access_denied_errors');
  return {
    aborted: values.get('Aborted_connects') ?? 0,
    ...(preauth === undefined ? {} : { preauth }),
    ...(denied === undefined ? {} : { denied }),
    full: values.get('Connection_errors_max_connections') ?? 0,
    uptime: values.get('Uptime') ?? 0,
  };
}
