// The one home of php-parser: a static import in a module of its own, because a bundler gives a dynamic import of
// CommonJS no named exports.
import { Engine } from 'php-parser';

/** A parser for one source. */
export function phpEngine(source: string): InstanceType<typeof Engine> {
  return new Engine({
    parser: { extractDoc: false, suppressErrors: false, version: 805 },
    ast: { withPositions: true },
    // Without short tags unless the script starts with one: elsewhere `<?xml` is text.
    lexer: { all_tokens: true, short_tags: /^(?:#!.*\r?\n)?<\?\s/.test(source) },
  });
}
