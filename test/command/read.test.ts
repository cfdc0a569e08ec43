// Single rules of reading a command: what is understood, and why the rest is left alone.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command, Known, OpaqueReason, Reading, Surroundings } from '../../src/command/command.ts';
import { readCommand } from '../../src/command/read.ts';
import { logOf } from '../../src/command/redirects.ts';

const HOME = '/var/www/vhosts/shop.example';
const USERS_HOME = '/var/www/vhosts/example.com';
const sh: Surroundings = {
  shell: '/bin/sh',
  home: HOME,
  variables: new Map([
    ['HOME', HOME],
    ['PHP', '/opt/plesk/php/8.3/bin/php'],
    ['SPACED', 'a b'],
    ['PWD', '/nowhere'],
  ]),
  people: new Map<string, Known | 'unknown'>([
    ['example-user', { home: USERS_HOME, shell: '/bin/bash' }],
    ['locked', { home: '/', shell: '/usr/sbin/nologin' }],
    ['nobody-here', 'unknown'],
  ]),
};
const bash: Surroundings = { ...sh, shell: '/usr/bin/bash' };
const homeless: Surroundings = { ...sh, home: '', variables: new Map() };

function worker(text: string, surroundings = sh): Command {
  const reading = readCommand(text, surroundings);
  if (reading.is === 'opaque') throw new Error(`${text} is opaque: ${reading.why} ${reading.detail}`);
  return reading;
}

function reason(reading: Reading): string {
  return reading.is === 'opaque' ? `${reading.why} ${reading.detail}` : 'worker';
}

describe('the incident', () => {
  test('the old entry is a bare script, found from HOME', () => {
    const command = worker('example.com/httpdocs/scripts/process_import_jobs.php');
    expect(command.interpreter).toEqual({ kind: 'php', how: 'script' });
    expect(command.scriptPath).toBe(`${HOME}/example.com/httpdocs/scripts/process_import_jobs.php`);
  });

  test('the recommended entry needs HTTPD_VHOSTS_D, which cron does not set', () => {
    const text =
      'cd ${HTTPD_VHOSTS_D}/example.com && /usr/local/php84/bin/php httpdocs/scripts/process_import_jobs.php --once >> httpdocs/logs/import_worker.log 2>&1';
    expect(reason(readCommand(text, sh))).toBe('undefined-variable HTTPD_VHOSTS_D');
    const variables = new Map([['HTTPD_VHOSTS_D', '/var/www/vhosts']]);
    const command = worker(text, { ...sh, variables });
    expect(command.directory).toBe('/var/www/vhosts/example.com');
    expect(logOf(command)).toBe('/var/www/vhosts/example.com/httpdocs/logs/import_worker.log');
  });
});

describe('the working directory', () => {
  test.each([
    ['php w.php', HOME],
    ['cd && php w.php', HOME],
    ['cd app && php w.php', `${HOME}/app`],
    ['cd ./app/../web/ && php w.php', `${HOME}/web`],
    ['cd .. && php w.php', '/var/www/vhosts'],
    ['cd ~ && php w.php', HOME],
    ['cd ~/app; php w.php', `${HOME}/app`],
    ['cd "$HOME/my app" && php w.php', `${HOME}/my app`],
    ['cd /srv/$SPACED && php w.php', undefined],
    ['cd "/srv/$SPACED" && php w.php', '/srv/a b'],
    ['export D=/srv/x; cd $D && php w.php', '/srv/x'],
    ['D=/srv/x; cd $D/y && php w.php', '/srv/x/y'],
    ['cd -- /srv && php w.php', '/srv'],
    ['cd /srv 2>/dev/null && php w.php', '/srv'],
    ['cd - && php w.php', undefined],
    ['cd ~other && php w.php', undefined],
    ['cd $PWD && php w.php', undefined],
    ['cd /srv/* && php w.php', undefined],
    ['cd 2<( ) && php w.php', undefined],
    ['. ./env; cd $D && php w.php', undefined],
  ])('%s starts in %s', (text, directory) => {
    const reading = readCommand(text, sh);
    expect(reading.is === 'worker' ? reading.directory : undefined).toBe(directory);
  });

  test('without a HOME only an absolute cd tells it', () => {
    expect(reason(readCommand('php /srv/w.php', homeless))).toContain('home-unknown');
    expect(reason(readCommand('cd ~/app && php w.php', homeless))).toContain('home-unknown');
    expect(worker('cd /srv && php w.php', homeless).directory).toBe('/srv');
  });

  test('a CDPATH makes a relative cd a search', () => {
    const variables = new Map([...sh.variables, ['CDPATH', '/srv']]);
    expect(reason(readCommand('cd app && php w.php', { ...sh, variables }))).toBe('expansion CDPATH');
    expect(worker('cd ./app && php w.php', { ...sh, variables }).directory).toBe(`${HOME}/app`);
  });

  test('a cd that a failed step may skip is not counted on', () => {
    expect(reason(readCommand('[ -f x ] && cd /srv; php w.php', sh))).toContain('several-commands');
    expect(reason(readCommand('cd /srv; sleep 5; php w.php', sh))).toContain('several-commands');
    expect(worker('[ -f x ] && cd /srv && php w.php').directory).toBe('/srv');
    expect(worker('export A=b; cd /srv; [ -f x ] && php w.php').directory).toBe('/srv');
  });
});

describe('the parts of a command', () => {
  test('are told apart in a line that has them all', () => {
    const text =
      '[ -f on ] && sleep 5; export X=1; cd \'/srv/my shop\'; A=1 B="x y" /usr/bin/nice -n 10 ionice -c2 -n7 timeout -k 5 60 env C=d ${PHP} -q -d memory_limit=-1 bin/worker.php --queue "a b" < in >> log 2>&1 & # nightly';
    const command = worker(text);
    const cut = ({ span }: { span: { start: number; end: number } }) => text.slice(span.start, span.end);
    expect(command.before.map((span) => cut({ span }))).toEqual(['[ -f on ] &&', 'sleep 5;', 'export X=1;']);
    expect(command.cd).toMatchObject({ joint: ';', word: { raw: "'/srv/my shop'", value: '/srv/my shop' } });
    expect(command.assignments.map(({ raw }) => raw)).toEqual(['A=1', 'B="x y"']);
    expect(command.wrappers.map(({ words }) => words.map(({ raw }) => raw).join(' '))).toEqual([
      '/usr/bin/nice -n 10',
      'ionice -c2 -n7',
      'timeout -k 5 60',
      'env C=d',
    ]);
    expect(command.interpreter).toMatchObject({ kind: 'php', how: 'absolute', word: { raw: '${PHP}' } });
    expect(command.flags.map(({ value }) => value)).toEqual(['-q', '-d', 'memory_limit=-1']);
    expect(command.scriptPath).toBe('/srv/my shop/bin/worker.php');
    expect(command.args.map(({ value }) => value)).toEqual(['--queue', 'a b']);
    expect(command.redirects.map(cut)).toEqual(['< in', '>> log', '2>&1']);
    expect(command.background).toBe(true);
    expect(cut(command)).toBe(text.slice(text.indexOf('A=1'), text.indexOf(' & #')));
    expect(logOf(command)).toBe('/srv/my shop/log');
  });

  test.each([
    ['php w.php', 'path'],
    ['/usr/local/php84/bin/php w.php', 'absolute'],
    ['../bin/php w.php', 'relative'],
    ['~/bin/php8.3 w.php', 'absolute'],
    ['/usr/bin/env php w.php', 'env'],
    ['env A=b ea-php84 w.php', 'env'],
    ['env nice php w.php', 'path'],
    ['$PHP w.php', 'absolute'],
    ['./w.php', 'script'],
    ['/srv/w.phar --once', 'script'],
    ['nice /srv/w.mjs', 'script'],
  ])('%s names its interpreter by %s', (text, how) => {
    expect(worker(text).interpreter.how).toBe(how);
  });

  test.each([
    ['nice -10', 'nice --adjustment=5', 'nice -n 10', 'nice -n10', 'nice --adjustment 5 --', 'nice --10'],
    ['ionice -c2 -n7', 'ionice -t', 'ionice -tc 3', 'ionice --class idle --ignore'],
    ['timeout 60', 'timeout -k 5 60', 'timeout --kill-after=5s 1.5m', 'timeout -s KILL --foreground -- 9'],
    ['env', 'env -i', 'env - A=b', 'env -u X', 'env --unset=X A="$B"', 'env -iuX', 'env A=b B=c'],
    ['nohup', 'nohup --', 'setsid -w', 'setsid --fork', 'stdbuf -oL', 'stdbuf --output L -e0'],
    ['chrt -b 0', 'chrt -r -R 5', 'chrt --idle 0'],
    ['nice nohup setsid env A=b timeout 5'],
  ])('wrappers are walked with their own options: %s …', (...forms) => {
    for (const form of forms) expect(reason(readCommand(`${form} php w.php`, sh)), form).toBe('worker');
  });
});

describe('groups, shells in shells, other users', () => {
  const layers = (text: string, surroundings = sh) => {
    const { directory, scriptPath, user, lookUp, frames, text: inner, placed } = worker(text, surroundings);
    return { directory, scriptPath, user, lookUp, depth: frames.length, inner, placed };
  };

  test('a group runs in the directory its shell is in', () => {
    expect(layers('cd /srv && ( sleep 1; php w.php )')).toMatchObject({ directory: '/srv', depth: 0 });
    expect(layers('( cd /srv; php w.php; )')).toMatchObject({ directory: '/srv' });
    expect(layers('{ cd /srv && php w.php; } >> /log 2>&1')).toMatchObject({ directory: '/srv' });
  });

  test('a string is text of its own, and says what it said when it was typed', () => {
    expect(layers("nice sh -c 'cd /srv && php '\\''a b.php'\\'")).toMatchObject({
      directory: '/srv',
      scriptPath: '/srv/a b.php',
      inner: "cd /srv && php 'a b.php'",
      depth: 1,
    });
    expect(layers('bash -c "sh -c \'php w.php\'"')).toMatchObject({ directory: HOME, depth: 2 });
  });

  test('a login shell may set any PATH; the home stays', () => {
    expect(layers("bash -lc 'php ~/w.php'")).toMatchObject({ lookUp: 'login', scriptPath: `${HOME}/w.php` });
  });

  test('su - starts at home, su does not', () => {
    const expected = { user: 'example-user', scriptPath: `${USERS_HOME}/w.php`, lookUp: 'login' };
    expect(layers("su - example-user -c 'php ~/w.php'")).toMatchObject({
      ...expected,
      directory: USERS_HOME,
    });
    expect(layers("su -s /bin/sh -c 'php ~/w.php' example-user")).toMatchObject({
      ...expected,
      lookUp: 'entry',
      directory: HOME,
    });
    expect(layers("su -l locked -s /bin/sh -c 'php w.php'")).toMatchObject({
      user: 'locked',
      directory: '/',
    });
  });

  test('sudo and runuser stay where they are; sudo has a PATH of its own', () => {
    for (const text of ['sudo -nH -u example-user A=1 php w.php', 'sudo --user=example-user -- php w.php'])
      expect(layers(text)).toMatchObject({ user: 'example-user', directory: HOME, lookUp: 'sudo' });
    for (const text of ['runuser -u example-user -- php w.php', 'gosu example-user:users php w.php'])
      expect(layers(text)).toMatchObject({ user: 'example-user', directory: HOME, lookUp: 'entry' });
  });

  test('without knowing the user nothing is told, and his name is asked for', () => {
    const reading = readCommand('sudo -u u12345 php w.php', sh);
    expect(reading).toMatchObject({ is: 'opaque', why: 'unknown-user', needs: 'u12345' });
  });

  test('the log of what sudo starts is opened before sudo, the one in a string of su behind it', () => {
    const opened = (text: string) => worker(text).outlets.map(({ user, level }) => [user, level]);
    expect(opened('sudo -u example-user php w.php >> /log')).toEqual([[undefined, 0]]);
    expect(opened("su example-user -c 'php w.php >> /log' > /dev/null")).toEqual([
      ['example-user', 1],
      [undefined, 0],
    ]);
  });

  test('the output of a pipe is its last program’s affair', () => {
    expect(logOf(worker('php w.php 2>&1 | grep -v x >> log'))).toBe(`${HOME}/log`);
    expect(logOf(worker('php w.php | logger -t w'))).toBe('unknown');
    expect(logOf(worker('( php w.php | grep x ) > out'))).toBe(`${HOME}/out`);
    expect(logOf(worker("sh -c 'cd /srv && php w.php' > out"))).toBe(`${HOME}/out`);
  });

  test('other programs before and behind the worker may stay', () => {
    for (const text of [
      'mkdir -p x && php w.php',
      'date >> log; php w.php',
      'php w.php && curl -fsS https://example.com/ping',
      'php w.php || true',
      'set -e; php w.php; rm -f x',
    ])
      expect(worker(text).scriptPath).toBe(`${HOME}/w.php`);
  });

  test('a look with pgrep in front is one thing with the worker', () => {
    expect(worker('pgrep -f w.php > /dev/null || php w.php &')).toMatchObject({
      background: true,
      pgrep: { start: 0 },
    });
    expect(worker('pgrep -f w.php || (cd /srv && php w.php &)')).toMatchObject({
      background: true,
      directory: '/srv',
    });
  });

  test('under dash &> is an ampersand and a redirect of nothing', () => {
    expect(worker('php w.php &> log')).toMatchObject({ background: true, ampersands: [] });
    expect(worker('php w.php &> log', bash)).toMatchObject({ background: false });
  });

  test('which php is what PATH has', () => {
    for (const text of ['`which php` w.php', '$(command -v php) w.php', '"$(which php)" w.php'])
      expect(worker(text).interpreter).toMatchObject({ how: 'path', word: { value: 'php' } });
  });

  test('the console of a framework is a PHP script', () => {
    expect(worker('./bin/console app:work').interpreter).toEqual({ kind: 'php', how: 'script' });
  });
});

describe('left alone', () => {
  const cases: readonly (readonly [string, OpaqueReason, Surroundings?])[] = [
    ['', 'empty'],
    ['  # php w.php', 'empty'],
    ['php "w.php', 'syntax-error'],
    ['php w.php )', 'syntax-error'],
    ['php w.php \\', 'syntax-error'],
    ['php w.php >', 'syntax-error'],
    ['tar czf /b.tgz /srv', 'no-worker'],
    ['php', 'no-worker'],
    ['php -v', 'no-worker'],
    ['php -l w.php', 'no-worker'],
    ['node --check w.js', 'no-worker'],
    ['w.php', 'no-worker'],
    ['rm /srv/w.php', 'no-worker'],
    ['nice -n 5', 'no-worker'],
    ['ionice -c3 -p 1 php w.php', 'no-worker'],
    ['A=1', 'no-worker'],
    ["php -r 'work();'", 'inline-code'],
    ['php -B code -F w.php', 'inline-code'],
    ['php -- w.php', 'inline-code'],
    ['node -e 1', 'inline-code'],
    ['cd /srv && npm run worker', 'framework-binary'],
    ['wp cron event run --due-now', 'framework-binary'],
    ['php a.php; php b.php', 'several-commands'],
    ['php a.php && php b.php', 'several-commands'],
    ['php a.php & true', 'several-commands'],
    ['php a.php; node b.js', 'several-commands'],
    ['set -- x; php w.php', 'several-commands'],
    ['trap : TERM; php w.php', 'several-commands'],
    ['/srv/app && php w.php', 'several-commands'],
    ['php a.php & php b.php', 'several-commands'],
    ['cd /a && cd b && php w.php', 'several-commands'],
    ['[ -f x ] || php w.php', 'several-commands'],
    ['[ -f x ]; php w.php', 'several-commands'],
    ['nice -n 10 cd /srv && php w.php', 'several-commands'],
    ['echo x | php w.php', 'pipe'],
    ['php w.php | php filter.php', 'pipe'],
    ['php w.php | (cat; date)', 'pipe'],
    ['cd /srv; (cd app; php w.php)', 'several-commands'],
    ['(php w.php) &> log', 'bash-syntax'],
    ['php w.php &> log --x', 'bash-syntax'],
    ['php w.php &> log 2>&1', 'bash-syntax'],
    ['php w.php 2>> e &> log', 'bash-syntax'],
    ['(php w.php > log) 2> e', 'redirect'],
    ['(php w.php) 2> e', 'redirect'],
    ['(php w.php 2>&1 > log) > /dev/null', 'redirect'],
    ["sh -c 'php $0' w.php", 'nested-shell'],
    ["bash -i -c 'php w.php'", 'nested-shell'],
    ['sh -c "php $FILE"', 'undefined-variable'],
    ["csh -c 'php w.php'", 'nested-shell'],
    ['eval php w.php', 'nested-shell'],
    ['if true; then php w.php; fi', 'compound'],
    ['for i in 1 2; do php w.php; done', 'compound'],
    ['w() { php w.php; }', 'compound'],
    ['sudo -u nobody-here php w.php', 'unknown-user'],
    ['sudo -u "#1000" php w.php', 'user-switch'],
    ['sudo -i -u example-user php w.php', 'user-switch'],
    ['sudo -b -u example-user php w.php', 'user-switch'],
    ['sudo -D /srv -u example-user php w.php', 'user-switch'],
    ['sudo -u $LOGNAME php w.php', 'undefined-variable'],
    ["su - locked -c 'php w.php'", 'no-login'],
    ["su example-user -c 'php w.php' more", 'user-switch'],
    ['setpriv --reuid=1000 php w.php', 'user-switch'],
    ['setlock /tmp/l php w.php', 'lock-wrapper'],
    ['flock -u 9 php w.php', 'no-worker'],
    ['flock -n /tmp/l -c php w.php', 'nested-shell'],
    ['pgrep -f w.php && php w.php', 'pgrep-guard'],
    ['pgrep -f w.php || nice true || php w.php', 'pgrep-guard'],
    ['[ -f on ] && pgrep -f w.php || php w.php', 'pgrep-guard'],
    ["pgrep -f w.php || sh -c 'php w.php'", 'pgrep-guard'],
    ['docker exec web php w.php', 'container'],
    ['daemon php w.php', 'unknown-wrapper'],
    ['time php w.php', 'unknown-wrapper'],
    ['! php w.php', 'unknown-wrapper'],
    ['env -S "php w.php"', 'unknown-wrapper'],
    ['env -C /srv php w.php', 'unknown-wrapper'],
    ['timeout soon php w.php', 'unknown-wrapper'],
    ['php --unheard-of w.php', 'unknown-wrapper'],
    ['php -f w.php --once', 'unknown-wrapper'],
    ['$NODE w.js', 'undefined-variable'],
    ['php $DIR/w.php', 'undefined-variable'],
    ['timeout $T php w.php', 'undefined-variable'],
    ['php $(ls w.php)', 'expansion'],
    ['php w*.php', 'expansion'],
    ['php ~other/w.php', 'expansion'],
    ['php ${PHP:-x}/w.php', 'expansion'],
    ['php $SPACED', 'expansion'],
    ['php w.php >& log', 'bash-syntax'],
    ['php w.php |& tee log', 'bash-syntax'],
    ['php w.php 2>&1>log', 'bash-syntax'],
    ['php w.php 10>log', 'bash-syntax'],
    ['php <(cat w.php)', 'bash-syntax'],
    ["php w.php <<< 'x'", 'bash-syntax'],
    ['php {a,b}.php', 'bash-syntax'],
    ["php $'w.php'", 'bash-syntax'],
    ['source env && php w.php', 'bash-syntax'],
    ['[[ -f x ]] && php w.php', 'bash-syntax'],
    ['A+=1 php w.php', 'bash-syntax'],
    ['php w.php >> log > other', 'redirect'],
    ['php w.php 3> log', 'redirect'],
    ['php w.php 2>&-', 'redirect'],
    ['php w.php <&3', 'redirect'],
    ['php w.php <> log', 'redirect'],
    ['php w.php >&-', 'redirect', bash],
    ['php w.php &> log 2>&1', 'redirect', bash],
    ['php {a,b}.php', 'expansion', bash],
    ['[[ -f x ]] || php w.php', 'compound', bash],
  ];
  for (const [text, why, surroundings = sh] of cases) {
    test(`${JSON.stringify(text)} under ${surroundings.shell}, because of: ${why}`, () => {
      const reading = readCommand(text, surroundings);
      expect(reading.is === 'opaque' ? reading.why : 'worker').toBe(why);
    });
  }

  test('a guard that looks for processes', () => {
    expect(reason(readCommand('[ -z "$(pgrep -f w.php)" ] && php w.php', sh))).toContain('several-commands');
  });
});

describe('under bash', () => {
  test.each([
    'php w.php &> log',
    'php w.php &>> log',
    'php w.php >& log',
    'source env && cd /srv && /usr/bin/php w.php',
    '[[ -f x && -r y ]] && php w.php',
    "php $'w.php'",
    'php w.php <(ls)',
  ])('%s is understood', (text) => {
    expect(reason(readCommand(text, bash))).toBe('worker');
  });
});

describe('the log', () => {
  test.each([
    ['php w.php', 'none'],
    ['php w.php 2>> err', 'none'],
    ['php w.php > /dev/null 2>&1', 'null'],
    ['php w.php >> ~/w.log', `${HOME}/w.log`],
    ['cd /srv && php w.php >> ./logs//w.log 2>&1', '/srv/logs/w.log'],
    ['php w.php 2>> err >&2', `${HOME}/err`],
    ['php w.php >&2 2>> err', 'none'],
    ['php w.php >> log-$(date +%F)', 'unknown'],
  ])('of %s is %s', (text, log) => expect(logOf(worker(text))).toBe(log));
});

describe('any bytes at all', () => {
  const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 });
  const shellish = fc.array(
    fc.constantFrom(
      ...'php|w.php|cd |/a| |&&|;|&|"|\'|$|{|}|(|)|<|>|2|1|`|\\|#|-f|~|=|[|*|\n|\xff'.split('|'),
      '|',
    ),
    { maxLength: 30 },
  );
  const text = fc.oneof(
    bytes.map((codes) => String.fromCharCode(...codes)),
    shellish.map((pieces) => pieces.join('')),
  );

  test('are read without a crash, with spans inside the text', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (command, isBash) => {
        const reading = readCommand(command, isBash ? bash : sh);
        expect(reading.span.start).toBeGreaterThanOrEqual(0);
        expect(reading.span.end).toBeLessThanOrEqual(command.length);
        if (reading.is === 'opaque') return;
        for (const word of [...reading.flags, reading.script, ...reading.args]) {
          expect(command.slice(word.span.start, word.span.end)).toBe(word.raw);
        }
      }),
      { numRuns: process.env['CRONLATCH_STRESS'] ? 200_000 : 3000 },
    );
  });

  test('take time in proportion to their length', () => {
    const time = (count: number) => {
      const command = `${'export A=b; '.repeat(count)}php w.php ${'"a b" '.repeat(count)}`;
      const start = performance.now();
      readCommand(command, sh);
      return performance.now() - start;
    };
    time(2000);
    const small = Math.min(time(2000), time(2000), time(2000));
    expect(time(16_000)).toBeLessThan(Math.max(small, 2) * 8 * 6);
  });
});

describe('a PATH or a directory of the command’s own', () => {
  test.each([
    'export PATH=/opt/php8/bin:/usr/bin && php w.php',
    'PATH=/opt/php8/bin php w.php',
    'env PATH=/opt/php8/bin php w.php',
    '. ./env.sh && php w.php',
    '. ./env.sh && /usr/bin/php w.php',
    '. ./env.sh; /usr/bin/php /srv/w.php',
  ])('%s: which php or which directory that is only the shell knows', (text) => {
    expect(readCommand(text, sh)).toMatchObject({ is: 'opaque', why: 'expansion' });
  });
  test.each(['PATH=/opt/bin /usr/bin/php w.php', '. ./env.sh && cd /srv && /usr/bin/php w.php'])(
    '%s is understood: nothing is looked up',
    (text) => {
      expect(readCommand(text, sh).is).toBe('worker');
    },
  );
  test.each(['/bin/tcsh', '/usr/bin/fish', '/opt/psa/bin/chrootsh'])(
    'SHELL=%s reads the text by its own rules',
    (shell) => {
      expect(readCommand('php w.php', { ...sh, shell })).toMatchObject({ is: 'opaque', why: 'bash-syntax' });
    },
  );
});

test('bash expands a tilde behind an equals sign in any word: such a script is not known', () => {
  expect(readCommand('php php=~', bash)).toMatchObject({ is: 'opaque' });
  expect(readCommand('php php=~', sh).is).toBe('worker');
});
