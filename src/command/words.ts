// What one word of a command says: quotes off, known variables in, and what stands in the way when it cannot be known.
import type { CommandArgument, WordPart } from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
import type { OpaqueReason, Word } from './command.ts';

/** What the shell that reads the text is and knows. */
export interface Shell {
  readonly bash: boolean;
  readonly home: Bytes | undefined;
  readonly variables: ReadonlyMap<Bytes, Bytes>;
}

/** Why a word, or a whole command, is not understood. */
export interface Trouble {
  /** A user whose home and shell have to be known first. */
  readonly needs?: Bytes;
  readonly why: OpaqueReason;
  readonly detail: Bytes;
}

export interface ReadWord {
  readonly word: Word;
  /** Why the value is not known. Only a matter if the word is one we must know. */
  readonly trouble?: Trouble;
}

interface Draft {
  value: Bytes;
  trouble: Trouble | undefined;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What an unquoted value must not contain, lest the shell makes several words or file names of it. */
const SPLITS = /[ \t\n*?[\\]/;
/** Set by the shell itself while it runs: a value given from outside says nothing. */
const SHELLS_OWN = new Set(['PWD', 'OLDPWD', 'IFS', 'PPID', 'RANDOM', 'SECONDS', 'LINENO', 'OPTIND', '_']);

/** Reads one word of the command text. */
export function readWord(text: Bytes, node: CommandArgument, shell: Shell): ReadWord {
  const raw = text.slice(node.pos, node.end);
  const span = { start: node.pos, end: node.end };
  // An assignment behind a command's name is an ordinary word to all but `export`, which is read elsewhere.
  if (node.type !== 'Word') return { word: { span, raw, value: raw, open: true }, trouble: expansion(raw) };
  const draft: Draft = { value: '', trouble: undefined };
  if (node.parts === undefined) {
    draft.value = node.value;
    // unbash takes `2<( )` for a plain word; bash puts a file's name there, or nothing.
    if (/[<>]\(/.test(raw)) note(draft, expansion(raw));
  } else for (const part of node.parts) readPart(part, false, shell, draft);
  if (raw.startsWith('~')) expandTilde(raw, shell, draft);
  // bash expands it behind an equals sign and a colon too, in any word that looks like an assignment.
  else if (shell.bash && /[=:]~/.test(raw)) note(draft, expansion(raw));
  if (draft.trouble === undefined) return { word: { span, raw, value: draft.value } };
  return { word: { span, raw, value: draft.value, open: true }, trouble: draft.trouble };
}

/** A part that makes the whole line mean something else, or nothing, in this shell, wherever the word stands. */
export function foreignSyntax(node: CommandArgument, shell: Shell): Trouble | undefined {
  if (node.type !== 'Word') return undefined;
  for (const part of node.parts ?? []) {
    // extglob is off in `bash -c`, so its patterns are a syntax error there too.
    if (part.type === 'ExtendedGlob') return { why: 'bash-syntax', detail: part.text };
    if (part.type === 'ProcessSubstitution' && !shell.bash) return { why: 'bash-syntax', detail: part.text };
  }
  return undefined;
}

function expandTilde(raw: Bytes, shell: Shell, draft: Draft): void {
  if (raw.length > 1 && raw[1] !== '/') note(draft, expansion(raw));
  else if (shell.home === undefined) note(draft, { why: 'home-unknown', detail: raw });
  else draft.value = shell.home + draft.value.slice(1);
}

function readPart(part: WordPart, quoted: boolean, shell: Shell, draft: Draft): void {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
      draft.value += part.value;
      return;
    case 'DoubleQuoted':
      for (const inner of part.parts) readPart(inner, true, shell, draft);
      return;
    case 'SimpleExpansion':
      readVariable(part.text.slice(1), part.text, quoted, shell, draft);
      return;
    case 'ParameterExpansion':
      if (part.prefix !== undefined || part.index !== undefined || part.operation !== undefined) {
        leave(part.text, draft, expansion(part.text));
      } else readVariable(part.parameter, part.text, quoted, shell, draft);
      return;
    case 'AnsiCQuoted':
      if (!shell.bash) leave(part.text, draft, { why: 'bash-syntax', detail: part.text });
      // `\u20ac` is bytes of a locale we do not know.
      else if (/[^\0-\x7f]/.test(part.value)) leave(part.text, draft, expansion(part.text));
      else draft.value += part.value;
      return;
    case 'LocaleString':
      if (!shell.bash) leave(part.text, draft, { why: 'bash-syntax', detail: part.text });
      else for (const inner of part.parts) readPart(inner, true, shell, draft);
      return;
    case 'BraceExpansion':
    case 'ProcessSubstitution':
    case 'ExtendedGlob':
      leave(part.text, draft, { why: shell.bash ? 'expansion' : 'bash-syntax', detail: part.text });
      return;
    default:
      leave(part.text, draft, expansion(part.text));
  }
}

function readVariable(name: Bytes, text: Bytes, quoted: boolean, shell: Shell, draft: Draft): void {
  if (!NAME.test(name) || SHELLS_OWN.has(name)) {
    leave(text, draft, expansion(text));
    return;
  }
  const value = name === 'HOME' ? shell.home : shell.variables.get(name);
  if (value === undefined) leave(text, draft, { why: 'undefined-variable', detail: name });
  else if (!quoted && (value === '' || SPLITS.test(value))) leave(text, draft, expansion(text));
  else draft.value += value;
}

function leave(text: Bytes, draft: Draft, trouble: Trouble): void {
  draft.value += text;
  note(draft, trouble);
}

/** The first trouble is the one to tell. */
function note(draft: Draft, trouble: Trouble): void {
  draft.trouble ??= trouble;
}

function expansion(detail: Bytes): Trouble {
  return { why: 'expansion', detail };
}
