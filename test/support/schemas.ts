// Every document that a command prints with --json, against the schema that ships for it.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

const directory = resolve(import.meta.dirname, '../../docs/schema');
const made = new Map<string, ValidateFunction>();
let ajv: Ajv2020 | undefined;

function validator(name: string): ValidateFunction {
  ajv ??= new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
  const found =
    made.get(name) ?? ajv.compile(JSON.parse(readFileSync(join(directory, `${name}-1.json`), 'utf8')));
  made.set(name, found);
  return found;
}

/** Which schema a document is held to. */
function schemaOf({ command, outcome }: { command?: unknown; outcome?: { is?: unknown } }): string {
  if (outcome?.is === 'problem') return 'problem';
  if (outcome?.is === 'probed' || outcome?.is === 'begun') return 'commands';
  return ['scan', 'deploy', 'verify', 'connections', 'monitor'].includes(`${command}`)
    ? `${command}`
    : 'commands';
}

/** What is wrong with a document of --json; nothing when it is as promised. */
export function faultsOf(document: unknown): string[] {
  // As a reader gets it: through text.
  const read = JSON.parse(JSON.stringify(document)) as Parameters<typeof schemaOf>[0];
  const name = schemaOf(read);
  const validate = validator(name);
  validate(read);
  return (validate.errors ?? []).map((error) => `${name}: ${error.instancePath} ${error.message}`);
}
