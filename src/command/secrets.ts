// Passwords and keys in what others wrote: where they stand, and the same text without them. Pure, no list of values.

export interface Secret {
  readonly start: number;
  readonly end: number;
  /** How it is known: the name it is assigned to, a program's option, part of a URL, a header, or its own shape. */
  readonly by: 'name' | 'option' | 'url' | 'header' | 'shape';
}

/** What stands in place of a secret; its length says nothing. */
const hidden = '***';

/** Names whose value is secret: whole words for the short ones, so that `bypass=` and `max_tokens=` are none. */
const name = String.raw`(?:[\w.-]*(?:password|passwd|passphrase|secret|credentials?)|(?:[\w.-]*[_.-]|[\w.-]*[a-z](?=[PTAK]))?(?:pass|pwd|pw|token|api_?-?key|(?:access|secret|private|auth|encryption|license|app|signing)_?-?key|auth)(?:_?\d+)?)`;
/** A word of a shell, or a string of a script. A value that is only looked up elsewhere (`$X`) gives nothing away. */
const word = String.raw`(?:"(?!\$)[^"\n]+"|'[^'\n]+'|(?![$"'<\x60({\[-])[^\s;&|<>"'\x60(){}\[\],]+)`;
const quoted = String.raw`(?:"(?!\$)[^"\n]+"|'[^'\n]+')`;

interface Way {
  readonly by: Secret['by'];
  readonly find: RegExp;
}

const ways: readonly Way[] = [
  // PASSWORD=…, --db-password=…, $password = '…', password = "…"
  {
    by: 'name',
    find: new RegExp(String.raw`(?<![\w/])\$?(?:--?)?${name}=(?![=>])(?<secret>${word})`, 'gid'),
  },
  { by: 'name', find: new RegExp(String.raw`(?<!\w)\$?${name}\s+=\s*(?<secret>${quoted})`, 'gid') },
  // 'password' => '…', "password": "…", define('DB_PASSWORD', '…')
  {
    by: 'name',
    find: new RegExp(String.raw`(['"])${name}\1\s*(?:=>|:|,)\s*(?<secret>${quoted})`, 'gid'),
  },
  // password: … (a line of YAML, after the sign of a diff perhaps)
  { by: 'name', find: new RegExp(String.raw`^[ +-]*${name}:[ \t]+(?<secret>${word})[ \t]*$`, 'gimd') },
  // --password …
  { by: 'option', find: new RegExp(String.raw`(?<![\w-])--?${name}[ \t]+(?<secret>${word})`, 'gid') },
  // Options that mean a password with one program only.
  {
    by: 'option',
    find: /\b(?:mysql\w*|mariadb[\w-]*|mytop|innobackupex|xtrabackup|7z\w?)\b[^;&|\n]*?\s-p(?<secret>"[^"\n]+"|'[^'\n]+'|[^\s$"';&|<>]+)/dg,
  },
  {
    by: 'option',
    find: /\b(?:sshpass|mongo\w*|zip|unzip)\b[^;&|\n]*?\s-[pP]\s*(?<secret>"[^"\n]+"|'[^'\n]+'|[^\s$"';&|<>-][^\s"';&|<>]*)/dg,
  },
  {
    by: 'option',
    find: /\b(?:redis-cli|ldap\w+)\b[^;&|\n]*?\s-[aw]\s*(?<secret>"[^"\n]+"|'[^'\n]+'|[^\s$"';&|<>-][^\s"';&|<>]*)/dg,
  },
  {
    by: 'option',
    find: /\b(?:curl|wget|lftp|smbclient)\b[^;&|\n]*?\s(?:-u|-U|--user|--proxy-user)[ =]?["']?[^\s:,%"']+[:,%](?<secret>[^\s$"';&|<>]+)/dg,
  },
  { by: 'option', find: /\bpass:(?<secret>[^\s$"';&|<>]+)/dg },
  // scheme://user:…@host, user:…@host, ?token=…
  { by: 'url', find: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/"']*:(?<secret>[^\s@/"'$]+)@/dgi },
  { by: 'url', find: /(?<![\w/:])[\w.+-]+:(?<secret>[^\s:@/"'$]+)@(?=[\w-]+\.)/dg },
  {
    by: 'url',
    find: /[?&](?:key|k|sig|signature|auth|hash|code|pass|pw|token|secret|cron_?key)=(?<secret>[^\s&#"'$]+)/dgi,
  },
  // Authorization: Bearer …, X-Api-Key: …
  {
    by: 'header',
    find: /\b(?:authorization|proxy-authorization|x-[\w-]*(?:key|token|secret)|cookie):\s*(?:(?:bearer|basic|token|digest)\s+)?(?<secret>[^\s"'$][^"'\n$]*)/dgi,
  },
  // Keys that are known by how they begin.
  {
    by: 'shape',
    find: /\b(?<secret>gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|[rs]k_live_\w{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|SG\.[\w-]{16,}\.[\w-]{16,})/dg,
  },
];

/** Nearly every line has none of these, and is then not looked at any closer: that takes fifteen expressions. */
const NAMES =
  'pass pwd pw secret token key auth cookie credential eyj akia ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox _live_ aiza sg.'.split(
    ' ',
  );
const PARAMETERS = ['k=', 'sig=', 'signature=', 'hash=', 'code='];
const PROGRAMS =
  'mysql mariadb mytop innobackupex xtrabackup 7z sshpass mongo zip redis-cli ldap curl wget lftp smbclient'.split(
    ' ',
  );

function isSuspicious(text: string): boolean {
  const low = text.toLowerCase();
  const has = (piece: string) => low.includes(piece);
  if (NAMES.some(has) || (has('@') && has(':'))) return true;
  if ((has('?') || has('&')) && PARAMETERS.some(has)) return true;
  return (has(' -') || has('\t-') || has('\n-')) && PROGRAMS.some((program) => text.includes(program));
}

/** PWD is where a shell stands; `bypass` and `oauth` only end like a name. */
const ordinary = /(?:\b(?:OLD)?PWD=|[a-z](?:pass|pwd|pw|token|auth|key)(?:_?\d+)?["'\s=:>,]*)$/;

/** The secrets in a text, in order, none overlapping another. Quotes around a value are not part of it. */
export function secretsIn(text: string): readonly Secret[] {
  if (!isSuspicious(text)) return [];
  const found: Secret[] = [];
  for (const { by, find } of ways) {
    for (const match of text.matchAll(find)) {
      const [from, to] = match.indices?.groups?.['secret'] ?? [0, 0];
      const inQuotes = /^["']/.test(text.slice(from, from + 1)) ? 1 : 0;
      const colour = text.slice(from, to).indexOf('\x1b');
      const [start, end] = [from + inQuotes, colour === -1 ? to - inQuotes : from + colour];
      const before = text.slice(Math.max(match.index, from - 40), from);
      if (start >= end || ordinary.test(before)) continue;
      if (found.every((s) => end <= s.start || start >= s.end)) found.push({ start, end, by });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** The text as it may be shown: every secret replaced by the same three signs. */
export function hideSecrets(text: string): string {
  let out = '';
  let at = 0;
  for (const { start, end } of secretsIn(text)) {
    out += text.slice(at, start) + hidden;
    at = end;
  }
  return at === 0 ? text : out + text.slice(at);
}
