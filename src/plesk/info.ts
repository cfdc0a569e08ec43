// `plesk bin site|domain|subscription --info` and `--list` (facts: info-labels, list-lines).
import { garbage, inShort, type Read, read } from './answer.ts';

/** What --info says of a site that a task needs. */
export interface SiteInfo {
  readonly name: string;
  readonly login: string;
  /** Its document root. */
  readonly root: string;
  readonly shell: string | 'unsaid';
}

/** Labels are told by their text, whatever their order and padding. */
export function readInfo(text: string): Read<SiteInfo> {
  const name = labelled(text, 'Domain name') ?? labelled(text, 'Name');
  const login = labelled(text, 'FTP Login');
  const root = labelled(text, '--WWW-Root--');
  if (name === undefined || login === undefined || root === undefined) {
    const missing = [
      ...(name === undefined ? ['Domain name'] : []),
      ...(login === undefined ? ['FTP Login'] : []),
      ...(root === undefined ? ['--WWW-Root--'] : []),
    ];
    return garbage(`no ${missing.join(', ')} in: ${inShort(text) || '(nothing)'}`);
  }
  if (!root.startsWith('/')) return garbage(`the document root is no path: ${inShort(root)}`);
  if (!isName(login)) return garbage(`the system user is no name: ${inShort(login)}`);
  // Its wording varies: the label is told by how it begins.
  const shell = /^[ \t]*SSH access to the server shell[^:\n]*:[ \t]*(\S.*?)[ \t\r]*$/m.exec(text)?.[1];
  return read({ name, login, root, shell: shell ?? 'unsaid' });
}

function labelled(text: string, label: string): string | undefined {
  for (const line of text.split('\n')) {
    const plain = line.trim();
    if (!plain.startsWith(`${label}:`)) continue;
    const value = plain.slice(label.length + 1).trim();
    if (value !== '') return value;
  }
  return undefined;
}

/** One name a line. */
export function readNames(text: string): Read<string[]> {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const odd = lines.find((line) => !isDomain(line));
  return odd === undefined ? read(lines) : garbage(`this is no domain name: ${inShort(odd)}`);
}

/** Letters of any script, digits, dots and hyphens: enough to be no option and no path. */
export function isDomain(text: string): boolean {
  return /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(text) && text.length <= 255;
}

/** A system user's name: dots and underscores occur, and more than 16 characters. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(text);
}
