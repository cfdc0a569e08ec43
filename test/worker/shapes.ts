// Worker scripts in the shapes people write them. Every one runs alone and prints something.
import type { Bytes } from '../../src/crontab/crontab.ts';

/** A name, the source, and what the guard's call must come directly behind (to the byte), when that is the point. */
export type Shape = readonly [name: string, source: Bytes, behind?: Bytes];

export const phpShapes: readonly Shape[] = [
  ['plain', '<?php\necho "a";\n', '<?php\n'],
  ['no newline at the end', '<?php\necho "a";', '<?php\n'],
  ['closing tag', '<?php\necho "a";\n?>\n', '<?php\n'],
  ['shebang', '#!/usr/bin/env php\n<?php\necho "a";\n', '<?php\n'],
  ['CRLF', '<?php\r\necho "a";\r\n', '<?php\r\n'],
  ['CRLF and shebang', '#!/usr/bin/env php\r\n<?php\r\necho "a";\r\n', '<?php\r\n'],
  ['lone CR', '<?php\recho "a";\r', '<?php\r'],
  ['byte order mark', '\xef\xbb\xbf<?php\necho "a";\n', '<?php\n'],
  ['capital tag', '<?PHP\necho "a";\n', '<?PHP\n'],
  ['statement on the tag line', '<?php echo "a"; echo "b";\n', '<?php '],
  ['one line with closing tag', '<?php echo "a" ?>', '<?php '],
  ['closed at once', '<?php ?>text<?php echo 1;', '<?php '],
  ['strict types', '<?php\ndeclare(strict_types=1);\n\necho "a";\n', '(strict_types=1);\n'],
  [
    'strict types on the tag line',
    '<?php declare(strict_types=1);\n\necho strlen("abc");\n',
    '(strict_types=1);\n',
  ],
  [
    'strict types, all in one line',
    '<?php declare(strict_types=1); echo strlen("abc");',
    '(strict_types=1); ',
  ],
  [
    'comments around a declare',
    '<?php /* a */ declare(strict_types=1); /* b */ echo "a";\n',
    '(strict_types=1); ',
  ],
  [
    'declare behind the end of a comment',
    '<?php /*\n * a */ declare(strict_types=1); echo "a";\n',
    '(strict_types=1); ',
  ],
  ['two declares', '<?php\ndeclare(ticks=1);\ndeclare(strict_types=1);\necho "a";\n', '(strict_types=1);\n'],
  [
    'spread declare',
    '<?php\n/* c */ declare ( strict_types = 1 ) ; // why\necho "a";\n',
    'strict_types = 1 ) ; // why\n',
  ],
  ['declare block', '<?php\ndeclare(ticks=1) {\n    echo "a";\n}\n', '<?php\n'],
  [
    'namespace and use',
    '<?php\n\nnamespace App\\Jobs;\n\nuse DateTime;\n\necho (new DateTime("@0"))->format("c");\n',
    'use DateTime;\n',
  ],
  [
    'strict types and namespace',
    '<?php\ndeclare(strict_types=1);\nnamespace App;\necho __LINE__ > 0;\n',
    'App;\n',
  ],
  [
    'bracketed namespace',
    '<?php\nnamespace App {\n    echo "a";\n}\nnamespace Other {\n    echo "b";\n}\n',
    'App {\n    ',
  ],
  ['bracketed namespace in one line', '<?php namespace App { echo "a"; }', 'App { '],
  ['global bracketed namespace', '<?php\nnamespace {\n\techo "a";\n}\n', 'namespace {\n\t'],
  ['bracket on the next line', '<?php\nnamespace App\n{\n    echo "a";\n}\n', '{\n    '],
  ['namespace operator first', '<?php\nnamespace\\f();\nfunction f() { echo "a"; }\n', '<?php\n'],
  [
    'docblock first',
    '<?php\n/**\n * Imports.\n * @license MIT\n */\nrequire_once __FILE__;\necho "a";\n',
    '<?php\n',
  ],
  ['comment on the tag line', '<?php // the worker\necho "a";\n', '// the worker\n'],
  ['comment ended by a closing tag', '<?php // the worker ?>\ntext\n<?php echo 1;\n', '<?php '],
  ['comment that goes on', '<?php /* one\ntwo */ echo "a";\n', '<?php '],
  ['hash comment', '<?php # the worker\necho "a";\n', '# the worker\n'],
  ['attribute on the tag line', '<?php #[Deprecated] function f() {}\necho "a";\n', '<?php '],
  ['indented all through', "<?php\n    $a = 'b';\n    echo $a;\n", '<?php\n    '],
  ['heredoc first', '<?php\n$a = <<<X\n<?php\necho 1;\nX;\necho $a;\n', '<?php\n'],
  ['functions used before they stand', '<?php\nmain();\nfunction main(): void { echo "a"; }\n', '<?php\n'],
  [
    'PHP 8 syntax',
    '<?php\nenum S: string { case A = "a"; }\n$f = fn(?S $s = null): ?string => $s?->value;\necho match (true) { default => $f(S::A) };\n',
    '<?php\n',
  ],
  ['bytes that are no UTF-8', '<?php\n$gr\xfc\xdfe = "\xe4\xff";\necho strlen($gr\xfc\xdfe);\n', '<?php\n'],
  ['UTF-8 text', '<?php\n// \xc3\xa9t\xc3\xa9\necho "\xe2\x82\xac";\n', '<?php\n'],
  ['spaces behind the tag', '<?php   \t\necho "a";\n', '<?php   \t\n'],
];

export const nodeShapes: readonly Shape[] = [
  ['imports', "import { sep } from 'node:path';\nconsole.log(sep);\n", ''],
  ['shebang', "#!/usr/bin/env node\nimport { sep } from 'node:path';\nconsole.log(sep);\n", 'env node\n'],
  ['use strict', "'use strict';\nimport { sep } from 'node:path';\nconsole.log(sep);\n", "'use strict';\n"],
  [
    'use strict without semicolon',
    "'use strict'\nimport { sep } from 'node:path'\nconsole.log(sep)\n",
    "'use strict'\n",
  ],
  [
    'directive and import in one line',
    "'use strict'; import { sep } from 'node:path'; console.log(sep);\n",
    "'use strict'; ",
  ],
  ['CRLF', "import { sep } from 'node:path';\r\nconsole.log(sep);\r\n", ''],
  ['CRLF and shebang', "#!/usr/bin/env node\r\nimport 'node:path';\r\nconsole.log(1);\r\n", 'env node\r\n'],
  ['top-level await', 'await null;\nconsole.log(1);\n', ''],
  ['awaiting a value', 'const a = await 1;\nconsole.log(a);\n', ''],
  ['export only', 'export const a = 1;\nconsole.log(a);\n', ''],
  ['import.meta', 'console.log(typeof import.meta.url);\n', ''],
  ['byte order mark', "\xef\xbb\xbfimport 'node:path';\nconsole.log(1);\n", '\xef\xbb\xbf'],
  ['licence comment first', "/*! MIT */\n// x\nimport 'node:path';\nconsole.log(1);\n", ''],
  [
    'UTF-8 before the place',
    "'gr\xc3\xb6\xc3\x9fe';\nimport 'node:path';\nconsole.log('\xe2\x82\xac');\n",
    "\xc3\x9fe';\n",
  ],
  ['directive with a comment', "'use strict'; // why\nimport 'node:path';\nconsole.log(1);\n", '// why\n'],
  ['one line without newline', 'export {}; console.log(1)', ''],
];
