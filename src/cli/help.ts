// Help as text, from the table.
import { type CommandName, commands, ofWizard } from './commands.ts';
import { everywhere, type Flag } from './flags.ts';

/** Help as text, at most 80 columns wide. */
export function help(about?: CommandName): string {
  const row = commands.find((c) => c.name === about);
  if (row !== undefined) {
    return [
      `${row.what[0]?.toUpperCase()}${row.what.slice(1)}.`,
      '',
      'Examples',
      ...row.examples.flatMap(([line, says]) => [`  ${line}`, `      ${says}`]),
      '',
      'Usage',
      `  ${row.usage}`,
      ...(row.usage.includes('[SOURCE]')
        ? ['  SOURCE: --file PATH, --user NAME or --site DOMAIN; nothing: all you may see']
        : []),
      '',
      'Flags',
      ...flagLines(row.flags),
      '',
      'Everywhere',
      ...flagLines(everywhere),
      '',
      'More: docs/ beside the program.',
      '',
    ].join('\n');
  }
  return [
    'cronlatch: one instance of every cron worker, and a way back.',
    '',
    'Examples',
    '  cronlatch sandbox            see it work on a disposable site',
    '  cronlatch scan               find the entries that can pile up',
    '  cronlatch deploy --dry-run   show what would be changed',
    '  cronlatch rollback           put everything back, byte for byte',
    '',
    'Commands',
    '  cronlatch            the wizard, on a terminal',
    ...commands.map((c) => `  ${c.name.padEnd(11)} ${c.what}`),
    '',
    'The wizard takes the flags of deploy, too, and does not ask what they say',
    ...flagLines(ofWizard),
    '',
    'Everywhere',
    ...flagLines(everywhere),
    '',
    'Exit codes',
    '  0 done or nothing to do · 1 failed, server as before · 2 usage',
    '  3 a check or finding · 4 half done · 5 refused · 6 inconclusive',
    '',
    'More: cronlatch COMMAND --help, and docs/ beside the program.',
    '',
  ].join('\n');
}

function flagLines(flags: readonly Flag[]): string[] {
  return flags.map((flag) => {
    const head = `${flag.short ? `-${flag.short}, ` : ''}--${flag.name}${flag.takes ? ` ${flag.takes}` : ''}`;
    return `  ${head.padEnd(22)} ${flag.help}`;
  });
}
