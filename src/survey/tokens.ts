// Scripts as the site's own PHP reads them: a version of PHP knows its own syntax best, and a php.ini its short tags.
import type { Server } from '../server/server.ts';
import { isConsole } from '../worker/place.ts';
import type { SourceTokens, Token } from '../worker/tree.ts';
import type { Facts, Job } from './facts.ts';

/** Names and lengths of the tokens; the texts are in the source already. Nothing of the script is run. */
const code = `$s = (string) @file_get_contents($argv[1]);
try { $all = token_get_all($s, TOKEN_PARSE); }
catch (ParseError $e) { echo json_encode(['error' => $e->getMessage(), 'line' => $e->getLine()], JSON_INVALID_UTF8_SUBSTITUTE); exit; }
$out = [];
foreach ($all as $t) { $out[] = is_array($t) ? [token_name($t[0]), strlen($t[1])] : [$t, strlen($t)]; }
echo json_encode(['tokens' => $out], JSON_INVALID_UTF8_SUBSTITUTE);`;

/** The facts with the tokens of those scripts that may get the guard's line; for the others nothing need be asked. */
export async function withTokens(
  server: Server,
  facts: Facts,
  jobs: readonly Job[],
  askedFor: (job: Job) => 'script' | 'entry' | undefined,
): Promise<Facts> {
  const tokens = new Map<string, SourceTokens>();
  for (const job of jobs) {
    const { script, owner } = job;
    const asked = askedFor(job);
    if (asked === 'entry' || typeof script === 'string' || tokens.has(script.path)) continue;
    // Somebody else's script is not written, nor is one that the next release replaces, unless that was asked for.
    const written =
      asked === 'script' ||
      (script.releasedBy === 'nobody' && !isConsole(script.path) && job.framework === 'none');
    if (job.obstacles.length > 0 || script.guard !== 'none' || script.file.uid !== owner.uid || !written)
      continue;
    const told = await tokensOf(server, job);
    if (told !== 'unasked') tokens.set(script.path, told);
  }
  return { ...facts, tokens };
}

/**
 * Asks the job's interpreter, as the job's user, with the options of its entry that say how PHP reads. 'unasked' where it
 * cannot be asked or does not answer: no tokenizer, no such PHP, another machine.
 */
export async function tokensOf(server: Server, job: Job): Promise<SourceTokens | 'unasked'> {
  const { interpreter, script, owner } = job;
  if (interpreter.kind !== 'php' || interpreter.path === 'missing' || typeof script === 'string')
    return 'unasked';
  const argv = [interpreter.path, ...readingFlags(job), '-d', 'auto_prepend_file=', '-d', 'display_errors=0'];
  const ran = await server.programs.run([...argv, '-r', code, '--', script.path], {
    as: owner,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    timeout: 10_000,
  });
  let said: { readonly tokens?: unknown; readonly error?: unknown; readonly line?: unknown };
  try {
    said = JSON.parse(ran.stdout);
  } catch {
    return 'unasked';
  }
  if (typeof said?.error === 'string') {
    const line = typeof said.line === 'number' ? { line: said.line } : {};
    return { is: 'unparsable', detail: said.error, ...line };
  }
  const tokens = Array.isArray(said?.tokens) ? placed(said.tokens) : 'lost';
  // Another file than the one we saw, or half an answer: ours have to do.
  if (tokens === 'lost' || tokens.at(-1)?.end !== script.file.bytes.length) return 'unasked';
  return { is: 'tokens', tokens };
}

/** `-n`, `-c FILE` and the setting of short tags; everything else is the script's own business. */
function readingFlags(job: Job): string[] {
  const flags = job.command.flags.map(({ value }) => value);
  return flags.flatMap((flag, i) => {
    if (flag === '-n') return [flag];
    if (flag === '-c' && flags[i + 1] !== undefined) return [flag, flags[i + 1] as string];
    return /^(?:-d)?short_open_tag/.test(flag) ? ['-d', flag.replace(/^-d/, '')] : [];
  });
}

function placed(said: readonly unknown[]): readonly Token[] | 'lost' {
  const tokens: Token[] = [];
  let at = 0;
  for (const one of said) {
    const [name, length] = Array.isArray(one) ? one : [];
    if (typeof name !== 'string' || typeof length !== 'number') return 'lost';
    tokens.push({ name, start: at, end: at + length });
    at += length;
  }
  return tokens;
}
