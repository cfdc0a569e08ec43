// Does a worker understand --once? Asked of sources as people write them, and of those that only speak of it.
import { expect, it, test } from 'vitest';
import { understands } from '../../src/worker/once.ts';

const php: readonly (readonly ['yes' | 'no' | 'unknown', string, string])[] = [
  ['yes', 'getopt', "$o = getopt('', ['once', 'limit:']);"],
  ['yes', 'getopt, with a value', "$o = getopt('', ['once::']);"],
  ['yes', 'getopt, options in a variable', "$long = ['once']; $o = getopt('v', $long);"],
  [
    'yes',
    'getopt, options piece by piece',
    "$long = []; $long[] = 'limit:'; $long[] = 'once'; $o = getopt('', $long);",
  ],
  ['yes', 'getopt, options in a constant', "const LONG = ['once']; $o = getopt('', LONG);"],
  [
    'yes',
    'getopt, options in a class',
    "class C { const LONG = ['once', 'v']; function go() { return getopt('', self::LONG); } }",
  ],
  ['yes', 'getopt, named argument', "$o = getopt(short_options: 'v', long_options: ['once']);"],
  ['yes', 'getopt in a namespace', "namespace App; $o = \\getopt('', ['once']);"],
  ['no', 'getopt without it', "$o = getopt('', ['limit:']);"],
  ['no', 'getopt, and an event of that name', "$o = getopt('', ['limit:']); $emitter->on('once', 'f');"],
  ['no', 'getopt, and a column of that name', "$o = getopt('', ['limit:']); $row = ['once' => 1];"],
  ['no', 'getopt, the word as a short option string', "$o = getopt('once', ['limit:']);"],
  ['yes', 'in_array', "$once = in_array('--once', $argv, true);"],
  ['yes', 'in_array of $_SERVER', "$once = \\in_array('--once', $_SERVER['argv']);"],
  ['yes', 'in_array, a constant', "const ONCE = '--once'; $once = in_array(ONCE, $argv);"],
  [
    'yes',
    'in_array, a class constant',
    "class C { const F = '--once'; function go($a) { return in_array(self::F, $a); } }",
  ],
  ['yes', 'in_array, define()', "define('FLAG', '--once'); $once = in_array(FLAG, $argv);"],
  [
    'yes',
    'in_array, a list of spellings',
    "foreach ($argv as $a) if (in_array($a, ['-1', '--once'])) $once = true;",
  ],
  ['yes', 'array_search', "$once = array_search('--once', $argv) !== false;"],
  ['yes', 'array_intersect', "$once = (bool) array_intersect(['--once', '-1'], $argv);"],
  ['yes', 'array_flip and isset', "$flags = array_flip($argv); $once = isset($flags['--once']);"],
  ['yes', 'a comparison', "if (($argv[1] ?? '') === '--once') exit;"],
  ['yes', 'a comparison the other way', "foreach ($argv as $a) { if ('--once' == $a) $once = true; }"],
  ['yes', 'substr', "foreach ($argv as $a) if (substr($a, 0, 6) === '--once') $once = true;"],
  ['yes', 'str_starts_with', "foreach ($argv as $a) if (str_starts_with($a, '--once')) $once = true;"],
  ['yes', 'switch', "foreach ($argv as $a) switch ($a) { case '--once': break; }"],
  ['yes', 'match', "echo match ($argv[1] ?? '') { '--once' => 1, default => 0 };"],
  ['yes', 'preg_match', 'if (preg_match("/^--once$/", $a)) exit;'],
  ['yes', 'preg_grep, escaped', "$once = preg_grep('#^\\-\\-once$#', $argv);"],
  [
    'yes',
    'Symfony addOption',
    "$this->setName('import')->addOption('once', null, InputOption::VALUE_NONE, 'one pass');",
  ],
  ['yes', 'Symfony addOption, named', "$this->addOption(name: 'once', description: 'one pass');"],
  ['yes', 'Symfony InputOption', "$this->setDefinition([new InputOption('once', 'o')]);"],
  [
    'yes',
    'Symfony attribute',
    'class C { function __invoke(#[Option] bool $once = false): int { return 0; } }',
  ],
  ['no', 'Symfony, another option', "$this->addOption('limit'); $x = 'once';"],
  ['no', 'Symfony argument', "$this->addArgument('once');"],
  ['yes', 'Laravel signature', "class C { protected $signature = 'import:run {--once : one pass}'; }"],
  [
    'yes',
    'Laravel signature over lines',
    "class C { protected $signature = 'import:run\n  {file}\n  {--o|once}'; }",
  ],
  ['yes', 'Laravel closure', "Artisan::command('import {--once}', function () {});"],
  ['no', 'Laravel, a longer name', "class C { protected $signature = 'import {--once-more}'; }"],
  ['no', 'Laravel signature in a text', "echo 'import {--once}';"],
  ['yes', 'League CLImate', "$c->arguments->add(['once' => ['longPrefix' => 'once', 'noValue' => true]]);"],
  ['no', 'a comment', '// getopt with --once is planned\necho 1;'],
  ['no', 'a docblock', "/**\n * Usage: php worker.php --once\n * in_array('--once', $argv)\n */\necho 1;"],
  ['no', 'a usage text', "echo 'Usage: worker.php --once';"],
  ['no', 'a heredoc', 'echo <<<T\nUsage: --once\nT;'],
  ['no', 'another program', "exec('php other.php --once');"],
  ['no', 'another program, in a list', "proc_open(['php', 'other.php', '--once'], [], $pipes);"],
  ['no', 'text outside PHP', 'echo 1; ?>\nphp worker.php --once\n'],
  ['no', 'require_once', "require_once 'vendor/autoload.php'; include_once 'once.php';"],
  ['no', 'a function of that name', 'function once(callable $f) { return $f(); } once(fn () => 1);'],
  ['no', 'another flag', "$x = in_array('--once-more', $argv); $y = '--once';"],
  ['unknown', 'a syntax error', "if (in_array('--once', $argv) {"],
];

test.each(php)('PHP: %s: %s', async (expected, _, code) => {
  expect(await understands(`<?php\n${code}\n`, 'php')).toBe(expected);
});

const node: readonly (readonly ['yes' | 'no' | 'unknown', string, string])[] = [
  ['yes', 'includes', "const once = process.argv.includes('--once');"],
  [
    'yes',
    'includes, a constant',
    "const FLAG = '--once'; const once = process.argv.slice(2).includes(FLAG);",
  ],
  ['yes', 'indexOf', "if (process.argv.indexOf('--once') > 0) run();"],
  ['yes', 'a set', "const flags = new Set(process.argv); if (flags.has('--once')) run();"],
  ['yes', 'a comparison', "if (process.argv[2] === '--once') run();"],
  ['yes', 'some', "const once = process.argv.some((a) => a === '--once');"],
  ['yes', 'switch', "for (const a of process.argv) switch (a) { case '--once': run(); }"],
  ['yes', 'a pattern', 'if (process.argv.some((a) => /^--once$/.test(a))) run();'],
  [
    'yes',
    'util.parseArgs',
    "import { parseArgs } from 'node:util'; parseArgs({ options: { once: { type: 'boolean' } } });",
  ],
  [
    'yes',
    'util.parseArgs, options apart',
    "const options = { once: { type: 'boolean' } }; util.parseArgs({ options });",
  ],
  [
    'yes',
    'util.parseArgs, all apart',
    "const config = { options: { once: { type: 'boolean' } } }; parseArgs(config);",
  ],
  [
    'no',
    'util.parseArgs without it',
    "parseArgs({ options: { limit: { type: 'string' } } }); emitter.once('end', run);",
  ],
  [
    'no',
    'util.parseArgs, an object that holds itself',
    'const options = { options }; parseArgs({ options });',
  ],
  [
    'no',
    'a listener’s option',
    "parseArgs({ options: {} }); target.addEventListener('end', run, { once: true });",
  ],
  ['yes', 'commander', "program.option('-o, --once', 'one pass');"],
  ['yes', 'commander, new Option', "program.addOption(new Option('--once'));"],
  ['no', 'commander, a longer name', "program.option('--once-more', 'two passes');"],
  ['no', 'commander, in the description', "program.option('-l, --loop', 'not --once');"],
  ['yes', 'yargs option', "yargs.option('once', { type: 'boolean' });"],
  ['yes', 'yargs options', "yargs(hideBin(process.argv)).options({ once: { type: 'boolean' } });"],
  ['yes', 'yargs boolean', "yargs.boolean(['once', 'v']);"],
  [
    'yes',
    'yargs, told nothing',
    "import yargs from 'yargs'; const argv = yargs(process.argv).argv; if (argv.once) run();",
  ],
  ['yes', 'minimist', "const argv = require('minimist')(process.argv.slice(2)); if (argv.once) run();"],
  [
    'yes',
    'minimist, taken apart',
    "import minimist from 'minimist'; const { once } = minimist(process.argv.slice(2));",
  ],
  ['yes', 'minimist, in brackets', "const argv = require('minimist')([]); if (argv['once']) run();"],
  [
    'no',
    'minimist, and an emitter',
    "const argv = require('minimist')([]); emitter.once('end', () => argv.limit);",
  ],
  ['no', 'argv.once without a parser', 'if (settings.once) run();'],
  ['yes', 'meow', "import meow from 'meow'; meow('help', { flags: { once: { type: 'boolean' } } });"],
  ['yes', 'arg', "import arg from 'arg'; const args = arg({ '--once': Boolean });"],
  ['yes', 'command-line-args', "require('command-line-args')([{ name: 'once', type: Boolean }]);"],
  ['no', 'a comment', "// process.argv.includes('--once')\nrun();"],
  ['no', 'an emitter', "emitter.once('end', run);"],
  ['no', 'a usage text', "console.log('usage: --once');"],
  ['no', 'a template', 'console.log(`usage: ${name} --once`);'],
  ['no', 'another program', "spawn('node', ['other.mjs', '--once']);"],
  ['no', 'an import of that name', "import { once } from 'node:events'; await once(emitter, 'end');"],
  ['unknown', 'a syntax error', "const = process.argv.includes('--once');"],
];

test.each(node)('Node: %s: %s', async (expected, _, code) => {
  expect(await understands(code, 'node')).toBe(expected);
});

it('is asked of at least forty sources, a third of them traps', () => {
  const all = [...php, ...node];
  expect(all.length).toBeGreaterThanOrEqual(40);
  expect(all.filter(([expected]) => expected === 'no').length * 3).toBeGreaterThanOrEqual(all.length);
});

it('other options are found in the same way', async () => {
  const laravel =
    "<?php class WorkCommand { protected $signature = 'queue:work\n {--once : One job}\n {--stop-when-empty : Stop}'; }";
  expect(await understands(laravel, 'php', 'stop-when-empty')).toBe('yes');
  expect(await understands(laravel, 'php', 'max-time')).toBe('no');
  const symfony = '<?php class C { function __invoke(#[Option] ?int $timeLimit = null): int { return 0; } }';
  expect(await understands(symfony, 'php', 'time-limit')).toBe('yes');
  expect(await understands('const o = require("mri")([]); o.dryRun;', 'node', 'dry-run')).toBe('yes');
});
