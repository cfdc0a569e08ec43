// What the keys do at a question, in the one line below it.

/** Which of them there are. */
export interface Keys {
  readonly back: boolean;
  readonly help: boolean;
}

/** One line for a list; on a narrow terminal the keys that everybody knows are left out. */
export function keyLine(list: 'one' | 'several', { back, help }: Keys, columns: number): string {
  const moves =
    list === 'one'
      ? ['arrows move', 'Enter takes it']
      : ['arrows move', 'Space marks', 'a: all', 'Enter goes on'];
  const more = [...(help ? ['?: help'] : []), ...(back ? ['Esc: back'] : []), 'Ctrl-C: stop'];
  const whole = [...moves, ...more].join(', ');
  return whole.length < columns ? whole : [...moves.slice(1), ...more.slice(0, -1)].join(', ');
}

/** What may be typed at a question of the plain mode. */
export function typedKeys({ back, help }: Keys): string {
  return [...(help ? ['? for help'] : []), ...(back ? ['b to go back'] : [])].join(', ');
}

/** What was typed is none of the answers there are. */
export const noAnswer = 'That is none of the answers.';
