// What a reader of Plesk's output gives: the value, or why the text is none. Nothing is guessed from half an answer.

export type Read<T> =
  | { readonly is: 'read'; readonly value: T }
  | { readonly is: 'garbage'; readonly why: string };

/** The text was understood. */
export function read<T>(value: T): Read<T> {
  return { is: 'read', value };
}

/** It was not. */
export function garbage(why: string): Read<never> {
  return { is: 'garbage', why };
}

/** Text for a message: one line, cut. */
export function inShort(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 117)}…` : line;
}
