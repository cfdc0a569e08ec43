// Does a Node worker look for an option? By hand in process.argv, or through one of the usual parsers.
import { camel, get, list, type Tree, text } from './tree.ts';

/** Parsers that take whatever stands there, and hand it out by name. */
const FREE = /^(?:minimist|mri|yargs|yargs\/yargs|yargs-parser|getopts)$/;
/** Parsers that are told their flags as keys of an object. */
const TOLD = /^(?:meow|cac|command-line-args)$/;

/** Is the option asked for anywhere in the tree? */
export function nodeAsks(nodes: readonly Tree[], option: string): boolean {
  const flag = `--${option}`;
  const bound = new Set<unknown>();
  const called = new Set<unknown>();
  const objects = new Map<unknown, unknown>();
  const packages = new Set<string>();
  for (const node of nodes) {
    if (node['type'] === 'VariableDeclarator' && text(node['init']) === flag)
      bound.add(get(node, 'id', 'name'));
    if (get(node, 'init', 'type') === 'ObjectExpression') objects.set(get(node, 'id', 'name'), node['init']);
    if (node['type'] === 'CallExpression') called.add(node['callee']);
    packages.add(packageOf(node));
  }
  const isFlag = (node: unknown): boolean =>
    text(node) === flag || (get(node, 'type') === 'Identifier' && bound.has(get(node, 'name')));
  const free = [...packages].some((name) => FREE.test(name));
  const told = [...packages].some((name) => TOLD.test(name));
  const isNamed = (name: unknown): boolean => name === option || name === camel(option);
  return nodes.some((node) => {
    switch (node['type']) {
      case 'CallExpression':
        return isAskingCall(node, option, isFlag, objects);
      case 'NewExpression': // commander's new Option('--once')
        return get(node, 'callee', 'name') === 'Option' && isSpelt(text(list(node, 'arguments')[0]), option);
      case 'BinaryExpression':
        return /^[=!]==?$/.test(String(node['operator'])) && (isFlag(node['left']) || isFlag(node['right']));
      case 'SwitchCase':
        return isFlag(node['test']);
      case 'Property':
        // `arg` is told flags with their dashes; of the others only an object or a name of the option counts.
        return (
          text(node['key']) === flag ||
          (told && isNamed(keyOf(node)) && get(node, 'value', 'type') === 'ObjectExpression') ||
          (told && keyOf(node) === 'name' && text(node['value']) === option) ||
          (free && isNamed(keyOf(node)) && get(node, 'value', 'type') === 'Identifier')
        );
      case 'MemberExpression':
        // emitter.once() is a call; argv.once is an answer.
        return (
          isFlag(node['property']) ||
          (free &&
            !called.has(node) &&
            (isNamed(get(node, 'property', 'name')) || text(node['property']) === option))
        );
      default:
        return false;
    }
  });
}

function isAskingCall(
  call: Tree,
  option: string,
  isFlag: (node: unknown) => boolean,
  objects: ReadonlyMap<unknown, unknown>,
): boolean {
  const name = String(get(call, 'callee', 'property', 'name') ?? get(call, 'callee', 'name'));
  const [first] = list(call, 'arguments');
  if (/^(?:includes|indexOf|has|startsWith)$/.test(name)) return isFlag(first);
  if (name === 'test') return patternOf(get(call, 'callee', 'object')) === `--${option}`;
  if (name === 'match') return patternOf(first) === `--${option}`;
  // commander: option('-o, --once'); yargs: option('once'), boolean('once'), boolean(['once'])
  if (/^(?:option|requiredOption|boolean)$/.test(name))
    return isSpelt(text(first), option) || list(first, 'elements').some((e) => text(e) === option);
  return (name === 'options' || name === 'parseArgs') && tellsOption(first, option, objects);
}

/** `{ options: { once: { type: 'boolean' } } }`, or the same kept in a variable. */
function tellsOption(
  told: unknown,
  option: string,
  objects: ReadonlyMap<unknown, unknown>,
  depth = 0,
): boolean {
  if (depth > 3) return false; // an object that holds itself
  const at = get(told, 'type') === 'Identifier' ? objects.get(get(told, 'name')) : told;
  return list(at, 'properties').some(
    (property) =>
      (keyOf(property as Tree) === option && get(property, 'value', 'type') === 'ObjectExpression') ||
      (keyOf(property as Tree) === 'options' &&
        tellsOption(get(property, 'value'), option, objects, depth + 1)),
  );
}

function isSpelt(words: string, option: string): boolean {
  return words === option || words.split(/[ ,|]+/).includes(`--${option}`);
}

/** What a regular expression looks for, without its anchors. */
function patternOf(node: unknown): string {
  const pattern = get(node, 'regex', 'pattern');
  return typeof pattern === 'string' ? pattern.replace(/^\^|\$$/g, '').replace(/\\(?=-)/g, '') : '';
}

function keyOf(property: Tree): string {
  const name = get(property, 'key', 'name');
  return typeof name === 'string' ? name : text(property['key']);
}

/** The package an import or require() names. */
function packageOf(node: Tree): string {
  if (node['type'] === 'ImportDeclaration' || node['type'] === 'ImportExpression')
    return text(node['source']);
  const required = node['type'] === 'CallExpression' && get(node, 'callee', 'name') === 'require';
  return required ? text(list(node, 'arguments')[0]) : '';
}
