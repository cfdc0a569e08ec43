// What an export has left in a directory, as its own list says: which files are ours, and whether others have changed them.

export const listPath = '.cronlatch-export.json';
const exportSchema = 1;

export interface Exported {
  readonly version: string;
  /** Path in the directory → SHA-256 of the file as it was written. */
  readonly files: ReadonlyMap<string, string>;
}

/** The list that lies beside the files. */
export function printList(of: Exported): string {
  const files = Object.fromEntries([...of.files].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ schema: exportSchema, export: 'ansible', version: of.version, files }, null, 2)}\n`;
}

/** Reads it back; 'none' for anything that no export of ours has written. */
export function readList(text: string): Exported | 'none' {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'none';
  }
  const list = json as { schema?: unknown; export?: unknown; version?: unknown; files?: unknown };
  if (typeof json !== 'object' || json === null || list.schema !== exportSchema || list.export !== 'ansible')
    return 'none';
  if (typeof list.version !== 'string' || typeof list.files !== 'object' || list.files === null)
    return 'none';
  const files = Object.entries(list.files as Record<string, unknown>);
  // Paths are joined to the directory and removed there: none may lead out of it.
  if (files.some(([path, digest]) => !isInside(path) || typeof digest !== 'string')) return 'none';
  return { version: list.version, files: new Map(files as [string, string][]) };
}

function isInside(path: string): boolean {
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** Is `a` a later version than `b`? */
export function isLater(a: string, b: string): boolean {
  const parts = (version: string): number[] => version.split(/[.+-]/, 3).map((part) => Number(part) || 0);
  const [left, right] = [parts(a), parts(b)];
  for (const at of [0, 1, 2]) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
