// The JSON Schema of a config file, made from the table of flags when the program is built (scripts/build.mjs). Pure.
import { ofTheRun, onlyFlags } from '../ask/config.ts';
import { commands, wizardFlags } from '../cli/commands.ts';
import { everywhere, type Flag } from '../cli/flags.ts';

/** What docs/schema/config-1.json holds: every answer that a file may give, and where. */
export function configSchema(): object {
  const flags = new Map(
    [...wizardFlags(), ...commands.flatMap((row) => row.flags), ...everywhere].map((flag) => [
      flag.name,
      flag,
    ]),
  );
  const answers = [...flags.values()]
    .filter(({ name }) => !onlyFlags.has(name))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const properties = (among: readonly Flag[]): object =>
    Object.fromEntries(among.map(({ name }) => [name, { $ref: `#/$defs/${name}` }]));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:cronlatch:config-1',
    title: 'cronlatch.config.json',
    description: 'Answers for --config, named like the flags. Described in docs/ci.md.',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      ...properties(answers),
      workers: { type: 'array', items: { $ref: '#/$defs/one-of-the-workers' } },
    },
    additionalProperties: false,
    if: { required: ['workers'], properties: { workers: { minItems: 1 } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { not: { anyOf: ['script', 'entry', 'all'].map((name) => ({ required: [name] })) } },
    $defs: {
      'one-of-the-workers': {
        description: 'The answers of one worker.',
        type: 'object',
        oneOf: [{ required: ['script'] }, { required: ['entry'] }],
        properties: properties(answers.filter(({ name }) => !ofTheRun.includes(name))),
        additionalProperties: false,
      },
      ...Object.fromEntries(answers.map((flag) => [flag.name, kindOf(flag)])),
    },
  };
}

function kindOf({ takes, many, values, help }: Flag): object {
  if (takes === undefined) return { description: help, type: ['boolean', 'string'] };
  // Rules may be a list; so may what is given several times.
  if (many === true)
    return { description: help, oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
  // PARTS are several words with commas between them.
  if (values !== undefined && takes !== 'PARTS') return { description: help, enum: values };
  return { description: help, type: ['string', 'number'] };
}
