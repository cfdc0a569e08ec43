// `plesk bin php_handler --list -json true` (facts: handler-ids, handler-keys).
import { garbage, inShort, type Read, read } from './answer.ts';

export interface PhpHandler {
  readonly id: string;
  readonly enabled: boolean;
  /** Its command line program; absent where the row names none. */
  readonly cli?: string;
  /** `8.4.25`: the one the scheduler wants. */
  readonly full?: string;
}

/** An array of handlers. Rows without an id make the whole no answer: a list with holes chooses the wrong PHP. */
export function readHandlers(text: string): Read<PhpHandler[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return garbage(`no JSON: ${inShort(text) || '(nothing)'}`);
  }
  if (!Array.isArray(json)) return garbage('no array of PHP handlers');
  const handlers: PhpHandler[] = [];
  for (const row of json as unknown[]) {
    const values = row as Record<string, unknown> | null;
    const id = typeof values === 'object' && values !== null ? values['id'] : undefined;
    if (typeof id !== 'string' || id === '') return garbage('a PHP handler without an id');
    const cli = textOf(values, ['clipath', 'cliPath', 'cli_path', 'php-cli']);
    const full = textOf(values, ['fullVersion', 'full_version', 'fullversion', 'full version']);
    handlers.push({
      id,
      enabled: values?.['status'] !== 'disabled' && values?.['status'] !== 'broken',
      ...(cli?.startsWith('/') ? { cli } : {}),
      ...(full !== undefined && /^\d+\.\d+\.\d+$/.test(full) ? { full } : {}),
    });
  }
  return read(handlers);
}

function textOf(row: Record<string, unknown> | null, keys: readonly string[]): string | undefined {
  for (const key of keys) if (typeof row?.[key] === 'string') return row[key] as string;
  return undefined;
}

/** `plesk-php83-fpm` is PHP 8.3; ids of the distribution's (`fpm`) name none. */
export function versionOfHandler(id: string): string | undefined {
  const [, major, minor] = /php-?(\d)\.?(\d{1,2})(?!\d)/.exec(id) ?? [];
  return major === undefined ? undefined : `${major}.${minor}`;
}
