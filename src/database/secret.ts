// A password that cannot be printed: no property, no text, no JSON and no inspection gives it away.

/** Stands for a value; only who holds the driver asks `reveal` for it (a law). */
export interface Secret {
  readonly is: 'secret';
}

const values = new WeakMap<Secret, string>();
const hidden = '***';

/** Wraps a value. The value itself is kept beside the object, so nothing that walks the object finds it. */
export function secret(value: string): Secret {
  const made = Object.freeze({
    is: 'secret' as const,
    toString: () => hidden,
    toJSON: () => hidden,
    [Symbol.toPrimitive]: () => hidden,
    [Symbol.for('nodejs.util.inspect.custom')]: () => hidden,
  });
  values.set(made, value);
  return made;
}

/** The value, for the one place that hands it to the driver. */
export function reveal(one: Secret): string {
  return values.get(one) ?? '';
}

/** Is there a password at all? */
export function isEmptySecret(one: Secret): boolean {
  return reveal(one) === '';
}
