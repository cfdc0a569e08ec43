// What may leave the server in a probe: shapes and labels, no names, addresses, passwords or contents.

/** Names of this server by what stands for them; the same name is the same word everywhere. */
export interface Names {
  readonly domains: ReadonlyMap<string, string>;
  readonly users: ReadonlyMap<string, string>;
}

/** The names that occur in what was read, numbered in the order they were seen. */
export function namesOf(domains: readonly string[], users: readonly string[]): Names {
  const number = (all: readonly string[], word: (n: number) => string) =>
    new Map([...new Set(all)].filter((name) => name !== '').map((name, i) => [name, word(i + 1)]));
  return {
    domains: number(domains, (n) => `site-${n}.example`),
    users: number(
      users.filter((user) => user !== 'root' && user !== 'psaadm'),
      (n) => `user-${n}`,
    ),
  };
}

/** Takes out everything that says whose server this is. Better one word too many than one too few. */
export function redact(text: string, names: Names): string {
  let out = text;
  const known = [...names.domains, ...names.users].sort(([a], [b]) => b.length - a.length);
  for (const [name, word] of known) out = out.replace(wordOf(name), word);
  return out
    .replace(/\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, 'ADDRESS')
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}\b/g, (found) => (isVersion(found) ? found : 'IP'))
    .replace(/\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b/gi, 'IP')
    .replace(/([a-z]+:\/\/)[^\s'"/]+(?:\/[^\s'"]*)?/gi, '$1HOST/PATH')
    .replace(/((?:pass(?:word|wd)?|secret|token|api[-_]?key|key)["']?\s*[=:]\s*["']?)[^\s"',}]+/gi, '$1***')
    .replace(/(--?(?:pass(?:word|wd)?|secret|token|key)[= ])\S+/gi, '$1***')
    .replace(/((?:FTP )?Password:[ \t]*)\S.*/gi, '$1***')
    .replace(/("description":[ ]*)"(?:[^"\\]|\\.)*"/g, '$1"***"')
    .replace(/((?:Owner's contact name|Description|Certificate):[ \t]*).*/g, '$1***');
}

/** `18.0.80.3` of a line that names a product. Plesk's major numbers are above 17, and few networks begin there. */
function isVersion(text: string): boolean {
  return /^1[7-9]\.0\./.test(text);
}

function wordOf(name: string): RegExp {
  const plain = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![A-Za-z0-9_])${plain}(?![A-Za-z0-9_])`, 'gi');
}

/** Words of Plesk's, of cron's and of shells: how a line is built is what a probe is for. */
const TELLING = new Set(
  `bash bin cd chrootsh curl cron dev env exec false fcgi fpm HOME http https id ignore errors json lib local MAILTO node NULL null
  null opt owner PATH php plesk psa root sbin sh SHELL true usr alt wget isActive active type command arguments description notify minute
  hour dayOfMonth month dayOfWeek text period`.split(/\s+/),
);

/** The same text with every other word replaced: `httpdocs/x/import.php --shop=3` is `w1/w2/w3.php --w4=w5`. */
export function withoutWords(text: string): string {
  const words = new Map<string, string>();
  return text.replace(/[\p{L}\p{N}_]+/gu, (word) => {
    if (TELLING.has(word) || /^\d{1,3}$/.test(word) || /^php\d+$/.test(word) || /^[A-Za-z]$/.test(word))
      return word;
    if (/^(?:php|phar|[cm]?js|sh|py|pl)$/.test(word)) return word;
    const known = words.get(word) ?? `w${words.size + 1}`;
    words.set(word, known);
    return known;
  });
}
