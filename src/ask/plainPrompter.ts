// Asking line by line, for screen readers and terminals that cannot redraw: every option is a numbered line, every answer
// a line that is typed, and nothing that was said is written over.
import { createInterface } from 'node:readline';
import { noAnswer, typedKeys } from '../show/keys.ts';
import {
  given,
  interrupted,
  type Option,
  type Prompter,
  type Query,
  type Said,
  type Surface,
} from './prompter.ts';

/** A prompter without arrows and redrawing. Ctrl-C and `stop` as in the other one. */
export function plainPrompter(surface: Surface): Prompter {
  const list = (query: Query, options: readonly Option<unknown>[], marked: readonly number[]): void =>
    surface.say(
      surface.tame(query.message),
      ...options.map(
        ({ name }, index) =>
          `  ${index + 1}. ${surface.tame(name)}${marked.includes(index) ? ' (marked)' : ''}`,
      ),
    );
  const sure: Prompter['sure'] = (query) =>
    typed(surface, query, `${query.message} (y/N`, '', (text) => {
      if (/^(?:y|yes)$/i.test(text)) return { value: true };
      return /^(?:n|no|)$/i.test(text) ? { value: false } : 'not';
    });
  const several: Prompter['several'] = async (query, options) => {
    const marked = options.flatMap(({ checked }, index) => (checked ? [index] : []));
    list(query, options, marked);
    const said = marked.length === 0 ? 'none' : 'those marked';
    return typed(surface, query, `Numbers with commas, all, or none (Enter: ${said}`, '', (text) => {
      const every = options.map((_, index) => index);
      const words = new Map<string, readonly number[]>([
        ['', marked],
        ['all', every],
        ['none', []],
      ]);
      const named = words.get(text) ?? numbers(text, options.length);
      return named === 'not'
        ? 'not'
        : { value: options.filter((_, index) => named.includes(index)).map(({ value }) => value) };
    });
  };
  const pick = async <T>(query: Query, options: readonly Option<T>[], preset = 0): Promise<Said<T>> => {
    list(query, options, []);
    return typed<T>(surface, query, `A number (Enter: ${preset + 1}`, `${preset + 1}`, (text) => {
      const named = numbers(text, options.length);
      const option = named === 'not' || named.length !== 1 ? undefined : options[named[0] ?? 0];
      return option === undefined ? 'not' : { value: option.value };
    });
  };
  return {
    show: surface.say,
    columns: surface.columns,
    sure,
    several,
    confirm: async (message) => given(await sure({ message })),
    choose: async (message, options) => given(await several({ message }, options)),
    pick,
    write: (query, preset, check) =>
      typed(surface, query, `${query.message} (Enter: ${preset}`, preset, (text) => {
        const wrong = check(text);
        if (wrong !== undefined) surface.say(wrong);
        return wrong === undefined ? { value: text } : 'not';
      }),
  };
}

function numbers(text: string, most: number): readonly number[] | 'not' {
  const all = text.split(/[\s,]+/).filter((word) => word !== '');
  const fits =
    all.length > 0 && all.every((word) => /^\d+$/.test(word) && Number(word) >= 1 && Number(word) <= most);
  return fits ? all.map((word) => Number(word) - 1) : 'not';
}

/** Asks for a line until `read` makes something of it. */
async function typed<T>(
  surface: Surface,
  query: Query,
  head: string,
  preset: string,
  read: (text: string) => { readonly value: T } | 'not',
): Promise<Said<T>> {
  const keys = typedKeys({ back: query.back === true, help: query.help !== undefined });
  const prompt = `${surface.tame(head)}${keys === '' ? '' : `; ${keys}`}): `;
  for (;;) {
    const text = (await line(surface, prompt)).trim();
    if (text === '?' && query.help !== undefined) surface.say(query.help);
    else if (text === 'b' && query.back) return { is: 'back' };
    else {
      const answer = read(text === '' ? preset : text);
      if (answer !== 'not') return { is: 'answer', value: answer.value };
      surface.say(noAnswer);
    }
  }
}

async function line({ stop, open }: Surface, prompt: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  open(true);
  try {
    return await new Promise<string>((resolve, reject) => {
      const leave = (): void => reject(interrupted(stop, stop.reason));
      if (stop.aborted) leave();
      stop.addEventListener('abort', leave, { once: true });
      // The terminal's end of input (Ctrl-D) is no answer.
      reader.once('close', leave);
      reader.question(prompt, resolve);
    });
  } finally {
    open(false);
    reader.close();
  }
}
