// Does a text have anything to do with PHP or Node? The first question about every entry, and a cheap one.
import type { Bytes } from '../crontab/crontab.ts';
import { interpreterKind, kindOfScript } from './interpreter.ts';
import { baseName } from './paths.ts';
import { endsReading, frameworkBinaries } from './wrappers.ts';

/** Consoles of frameworks: PHP scripts without an ending, started by their `#!` line as often as with `php` in front. */
const CONSOLES = 'artisan console magento craft yii occ drush wp typo3 please spark cake'.split(' ');

/** Is a file of this name the console of a PHP framework, by the name all projects give it? */
export function isConsoleName(basename: Bytes): boolean {
  return CONSOLES.includes(basename);
}

/** A text without any of these names nothing of the kind, however it is cut into words. */
const PERHAPS = ['php', 'phar', 'node', 'js', ...CONSOLES, ...frameworkBinaries];

/** Does any word, in whatever quotes or parentheses, name an interpreter or a script of one? URLs do not count. */
export function mentionsWorker(text: Bytes): boolean {
  if (!PERHAPS.some((piece) => text.includes(piece))) return false;
  return text.split(/[ \t"'`();&|<>={}]+/).some((token) => {
    if (token.includes('://')) return false;
    const name = baseName(token);
    return (
      interpreterKind(name) !== 'none' ||
      kindOfScript(name) !== 'none' ||
      endsReading(name) === 'framework-binary' ||
      isConsoleName(name)
    );
  });
}
