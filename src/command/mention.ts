// Does a text have anything to do with PHP or Node? The first question about every entry, and a cheap one.
import type { Bytes } from '../crontab/crontab.ts';
import { interpreterKind, kindOfScript } from './interpreter.ts';
import { baseName } from './paths.ts';
import { endsReading, frameworkBinaries } from './wrappers.ts';

/** Consoles of frameworks: PHP scripts without an ending, started by their `#!` line as often as with `php` in front. */
const CONSOLE = /^(?:artisan|console|magento|craft|yii|occ|drush|wp|typo3|please|spark|cake)$/;

/** Is a file of this name the console of a PHP framework, by the name all projects give it? */
export function isConsoleName(basename: Bytes): boolean {
  return CONSOLE.test(basename);
}

/** A text without any of these names nothing of the kind, however it is cut into words. */
const PERHAPS = new RegExp(`php|phar|node|js|${CONSOLE.source.slice(1, -1)}|${frameworkBinaries.join('|')}`);

/** Does any word, in whatever quotes or parentheses, name an interpreter or a script of one? URLs do not count. */
export function mentionsWorker(text: Bytes): boolean {
  if (!PERHAPS.test(text)) return false;
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
