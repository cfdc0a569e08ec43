// docs/ansible.md and the collection: each variable, tag and playbook that is named is there, and the module’s options are flags.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const collection = 'templates/ansible';
const role = `${collection}/roles/cronlatch`;
const all = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? '')),
];

const variables = new Set(all(read(`${role}/defaults/main.yml`), /^(cronlatch_\w+):/gm));
const tags = all(read(`${role}/tasks/main.yml`), /tags: \[(cronlatch_\w+)\]/g);
const pages = ['docs/ansible.md', `${collection}/README.md`, `${role}/README.md`];
const playbooks = readdirSync(join(root, collection, 'playbooks')).map((name) => name.replace('.yml', ''));

describe.each(pages)('%s', (page) => {
  test('names no variable, tag or playbook that is not there', () => {
    // Those of a playbook alone.
    const more = ['cronlatch_hosts', 'cronlatch_id', 'cronlatch_keep_foreign_edits'];
    for (const name of all(read(page), /\b(cronlatch_[a-z_]+)\b/g))
      expect([...variables, ...tags, ...more], name).toContain(name);
    for (const name of all(read(page), /\bcronlatch\.fleet\.(\w+)/g))
      expect([...playbooks, 'cronlatch'], name).toContain(name);
  });
});

test('docs/ansible.md names every playbook, tag and exit, and its table of the watch has the role’s defaults', () => {
  const page = read('docs/ansible.md');
  for (const name of playbooks) expect(page).toContain(`cronlatch.fleet.${name}`);
  for (const tag of tags) expect(page).toContain(`\`${tag}\``);
  const rows = [...page.matchAll(/^\| `(cronlatch_watch_\w+)` +\| `([^`]*)`/gm)];
  expect(rows.map((row) => row[1])).toEqual(
    [...variables].filter((name) => name.startsWith('cronlatch_watch_')),
  );
  for (const [, name, value] of rows)
    expect(read(`${role}/defaults/main.yml`)).toContain(`${name}: ${value}\n`);
});

test('every variable is used, and every variable that is used has a default', () => {
  const files = [
    ...readdirSync(join(root, role, 'tasks')).map((name) => `${role}/tasks/${name}`),
    ...playbooks.map((name) => `${collection}/playbooks/${name}.yml`),
    `${role}/templates/cronlatch.sh.j2`,
    `${role}/vars/main.yml`,
  ];
  const text = files.map(read).join('\n');
  for (const name of variables) expect(text, name).toMatch(new RegExp(`\\b${name}\\b`));
});

describe('the module', () => {
  const source = read(`${collection}/plugins/modules/cronlatch.py`);
  const documented = all(/^options:\n([\s\S]*?)^attributes:/m.exec(source)?.[1] ?? '', /^ {2}(\w+):$/gm);
  const rows = commands.filter(({ name }) =>
    ['scan', 'deploy', 'verify', 'rollback', 'monitor'].includes(name),
  );
  const flags = new Set(rows.flatMap((row) => row.flags.map(({ name }) => name)));
  const asFlag = (option: string): string => (option === 'lasts' ? 'for' : option.replaceAll('_', '-'));
  /** Told to the program otherwise, or to the module itself. */
  const own = ['command', 'id', 'node_path', 'program', 'program_sha256', 'db_password', 'state_dir'];

  test('has no option that is no flag, with the same values', () => {
    expect(documented.filter((name) => !own.includes(name) && !flags.has(asFlag(name)))).toEqual([]);
    for (const flag of rows.flatMap((row) => row.flags)) {
      if (flag.values === undefined) continue;
      const option = new RegExp(`^ {2}${flag.name.replaceAll('-', '_')}:\\n(?: {4}.*\\n)*`, 'm').exec(
        source,
      )?.[0];
      if (option === undefined) continue;
      const values = /choices: \[(.*)\]/
        .exec(option)?.[1]
        ?.split(', ')
        .map((word) => word.replaceAll("'", ''));
      // Without it a scan of the module never fails; "never" need not be said. What differs by command is their union.
      const wanted = new Set(
        rows
          .flatMap((row) => row.flags.filter(({ name }) => name === flag.name))
          .flatMap(({ values = [] }) => values),
      );
      wanted.delete('never');
      expect(values, flag.name).toEqual([...wanted]);
    }
  });

  test('has every flag but those that make no sense from afar', () => {
    const left = [...flags].filter((flag) => !documented.some((option) => asFlag(option) === flag)).sort();
    expect(left).toEqual([
      ...[
        'background',
        'ci',
        'dry-run',
        'format',
        'json',
        'node',
        'php',
        'ping-url',
        'ping-url-file',
        'plan',
        'print',
        'probe',
      ],
      ...['report', 'resume', 'run-now', 'save', 'scaffold', 'stop', 'textfile', 'yes'],
    ]);
  });
});

test('the files that are exported are those of the directory', () => {
  const listed = all(read('src/fleet/collection.ts'), /'\.\.\/\.\.\/(templates\/ansible\/[^']+)\?raw'/g);
  const there = readdirSync(join(root, collection), { recursive: true, encoding: 'utf8' })
    .map((name) => `${collection}/${name}`)
    .filter((path) => existsSync(join(root, path)) && /(?:\.\w+|-lint)$/.test(path) && !path.endsWith('__'));
  expect(listed.sort()).toEqual(there.sort());
});
