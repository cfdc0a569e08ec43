// How a finding is worded: a title for lists, the sentence for a person, and what to do about it.

/** Values of a finding, as text. */
export type Values = Readonly<Record<string, string>>;

export interface Said {
  readonly what: string;
  readonly fix?: string;
}

export interface Wording {
  /** The rule in one line, for tables and code scanners. */
  readonly title: string;
  readonly say: (a: Values) => Said;
}

/** A time in the unit a person would use. */
export function span(seconds: string | undefined): string {
  const s = Number(seconds);
  if (s < 120) return `${s} s`;
  return s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}
