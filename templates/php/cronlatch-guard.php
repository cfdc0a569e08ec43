<?php
// cronlatch-guard version: 1.0.0
//
// One instance of a worker at a time. PHP 7.4 to 8.5, no extension needed (pcntl and posix are used when present).
// In a script, as its first statement:
//     (require __DIR__ . '/cronlatch-guard.php')(['dir' => '/abs/dir', 'name' => 'worker']);
// In front of a script:  php -d auto_prepend_file=THIS -d cronlatch.dir=/abs/dir -d cronlatch.name=worker script.php
// By hand:               php cronlatch-guard.php status DIR NAME      php cronlatch-guard.php probe DIR NAME
//
// The truth is the kernel's lock on DIR/NAME.lock, and only while that file is still the one at this path. The kernel
// frees it when the process is gone, however it died. So the file is never deleted and a crash leaves nothing to
// repair; deleting it by hand is what lets two instances run. The PIDs in the files are information for people.

namespace Cronlatch;

// The file may be required twice, or from two copies: the first one wins.
if (!class_exists(__NAMESPACE__ . '\Guard', false)) {
    final class Guard
    {
        private const RECORD = 512;
        private const LOG_LIMIT = 1048576;
        private const DEFAULTS = [
            'dir' => '', 'name' => '', 'script' => '', 'maxRuntime' => 0, 'maxTime' => 0, 'maxMemory' => 0, 'wait' => 0,
            'verbose' => false, 'killStuck' => false, 'lockChildren' => false,
        ];

        /** @var array<string, Guard> Locks of this process by path. Static: a handle in a local variable is closed, and the lock lost, at the end of its function. */
        private static $held = [];
        /** @var string What the system said about the last call that failed. */
        private static $reason = '';
        /** @var bool Does this worker ask shouldStop()? Only then may a signal wait for it. */
        private static $asked = false;
        /** @var string The first reason to stop. */
        private static $why = '';
        /** @var string|null Memory to finish with after "Allowed memory size exhausted". */
        private static $spare;

        private $options;
        private $dir;
        private $path;
        private $fp;
        private $pid;
        private $since;
        private $checked = 0.0;
        private $record = [];
        private $called = '';
        private $stamp = '';

        private function __construct(array $options)
        {
            $this->options = $options + self::DEFAULTS;
            $this->dir = rtrim((string) $this->options['dir'], '/') ?: (string) $this->options['dir'];
            $this->path = rtrim($this->dir, '/') . '/' . $this->options['name'];
            $this->pid = self::pid();
        }

        /** Takes the lock or ends the process: 0 busy, 69 to 77 as in the documentation. */
        public static function acquire(array $options): void
        {
            self::quietly(static function () use ($options) {
                $guard = new self($options);
                if (!isset(self::$held[$guard->path])) {
                    $guard->take();
                }
            });
        }

        /** To be asked before EVERY job, the first one included. */
        public static function shouldStop(): bool
        {
            self::$asked = true;
            if (self::$why === '') {
                self::quietly(static function () {
                    foreach (self::$held as $guard) {
                        self::$why = self::$why !== '' ? self::$why : $guard->reasonToStop();
                    }
                });
            }
            return self::$why !== '';
        }

        /** Why shouldStop() said yes; empty as long as it did not. */
        public static function why(): string
        {
            return self::$why;
        }

        // ---- taking the lock

        private function take(): void
        {
            if (PHP_SAPI !== 'cli') {
                http_response_code(503); // a visitor's browser is not to take an empty page for an answer
                $this->refuse(77, 'CLI only');
            }
            $this->checkDirectory();
            $deadline = microtime(true) + (float) $this->options['wait'];
            for ($replaced = 0;;) {
                $this->open();
                if ($this->isHeldHere()) {
                    return;
                }
                $busy = 0;
                if (!flock($this->fp, LOCK_EX | LOCK_NB, $busy)) {
                    if ($busy !== 1) {
                        $this->refuse(74, $this->named("flock() is not possible on {$this->path}.lock (network file system?): refusing to run without a lock"));
                    }
                    if (microtime(true) >= $deadline) {
                        $this->lost();
                    }
                    fclose($this->fp);
                    usleep(100000);
                    continue;
                }
                if ($this->isStillOurs() && $this->claim()) {
                    break;
                }
                fclose($this->fp); // locked a file that is no longer at this path: worth nothing
                if (++$replaced >= 50) {
                    $this->refuse(74, $this->named("{$this->path}.lock keeps being replaced"));
                }
            }
            $this->begin();
        }

        /**
         * Publishes our PID. It must not replace the PID of another live instance: that one would be hidden from the next
         * start if the lock file were deleted once more. So the file is made by link(), which fails where one is.
         */
        private function claim(): bool
        {
            $temporary = "{$this->path}.pid.{$this->pid}.tmp";
            $written = file_put_contents($temporary, $this->pid . "\n") > 0;
            for ($try = 0; $try < 5; $try++) {
                $seen = $this->pidInFile();
                $hidden = $this->hiddenInstance();
                if ($hidden > 0) {
                    unlink($temporary);
                    $text = "The lock file was deleted while another instance still runs (PID: $hidden). Not starting a second one.";
                    $this->log($text);
                    $this->refuse(75, $text);
                }
                if ($try === 0) {
                    $this->noticeCrash();
                }
                if ($written && lstat($this->path . '.pid') !== false && $this->pidInFile() === $seen) {
                    unlink($this->path . '.pid'); // left over: its process is not one of ours
                }
                if (!$written || (function_exists('link') && link($temporary, $this->path . '.pid'))) {
                    break;
                }
                if (lstat($this->path . '.pid') === false) {
                    rename($temporary, $this->path . '.pid'); // no links on this file system
                    break;
                }
            }
            unlink($temporary);
            if (!$this->isStillOurs()) {
                $this->withdraw();
                return false;
            }
            return true;
        }

        private function withdraw(): void
        {
            if ($this->pidInFile() === $this->pid) {
                unlink($this->path . '.pid');
            }
        }

        private function checkDirectory(): void
        {
            $dir = $this->dir;
            if ($this->options['name'] === '' || strpbrk($this->options['name'], "/\0\n") !== false || strpos($dir, '/') !== 0) {
                $this->refuse(73, $this->named('the guard needs an absolute dir and a name without a slash'));
            }
            $uid = self::uid();
            if (lstat($dir) === false) {
                // Root must not plant its own directory in a customer's tree: the customer's runs would fail for ever.
                for ($above = dirname($dir); $uid === 0 && lstat($above) === false && $above !== '/';) {
                    $above = dirname($above);
                }
                $owner = $uid === 0 ? lstat($above)['uid'] : $uid;
                if ($owner !== $uid) {
                    $this->refuse(77, $this->wrongOwner($above, $owner, $uid));
                }
                if (!mkdir($dir, 0700, true) && !is_dir($dir)) {
                    $this->refuse(73, $this->named("cannot create $dir"));
                }
                clearstatcache();
            }
            $stat = lstat($dir);
            if ($stat === false || ($stat['mode'] & 0170000) !== 0040000) {
                $this->refuse(77, $this->named("$dir is not a real directory"));
            }
            if ($uid !== null && $stat['uid'] !== $uid) {
                $this->refuse(77, $this->wrongOwner($dir, $stat['uid'], $uid));
            }
            // Who may write here could lay a link where the guard writes its PID.
            if (($stat['mode'] & 0022) !== 0) {
                $this->refuse(77, $this->named("$dir is writable for " . (($stat['mode'] & 0002) !== 0 ? 'everybody' : 'its group')));
            }
        }

        private function wrongOwner(string $dir, int $owner, int $uid): string
        {
            return $this->named("$dir belongs to uid $owner, this process is uid $uid: run the task as the owner of the directory");
        }

        private function open(): void
        {
            clearstatcache();
            $lock = $this->path . '.lock';
            $stat = lstat($lock);
            $uid = self::uid();
            if ($stat !== false && (($stat['mode'] & 0170000) !== 0100000 || $stat['nlink'] !== 1 || ($uid !== null && $stat['uid'] !== $uid))) {
                $this->refuse(77, $this->named("$lock is a link or belongs to another user"));
            }
            // 'c' neither truncates nor fails when the file is there; 'e' keeps the lock out of the children.
            $this->fp = fopen($lock, $this->options['lockChildren'] ? 'c+' : 'c+e');
            if ($this->fp === false) {
                $this->refuse(73, $this->named("cannot open $lock: " . preg_replace('/^.*(failed to open stream|\)): /i', '', self::$reason)));
            }
        }

        private function isStillOurs(): bool
        {
            clearstatcache();
            return self::sameFile(lstat($this->path . '.lock'), fstat($this->fp));
        }

        /** The same directory under another spelling. Locking it again would make this process its own "other instance". */
        private function isHeldHere(): bool
        {
            foreach (self::$held as $guard) {
                if (self::sameFile(fstat($guard->fp), fstat($this->fp))) {
                    return true;
                }
            }
            return false;
        }

        /** @param array|false $one @param array|false $other */
        private static function sameFile($one, $other): bool
        {
            return $one !== false && $other !== false && $one['ino'] === $other['ino'] && $one['dev'] === $other['dev'];
        }

        /** Second line of defence, for a lock file deleted under a running worker: the PID file still names that worker. */
        private function hiddenInstance(): int
        {
            $pid = $this->pidInFile();
            $process = $pid > 0 && $pid !== $this->pid ? self::process($pid) : null;
            $script = basename($this->script());
            if ($process === null || $process['state'] === 'Z' || $script === '' || !preg_match('/^btime (\d+)/m', self::read('/proc/stat'), $boot)) {
                return 0;
            }
            // Started after the PID file was written: the number was given to somebody else.
            if ($boot[1] + $process['start'] / 100 > lstat($this->path . '.pid')['mtime'] + 1) {
                return 0;
            }
            return strpos(self::read("/proc/$pid/cmdline"), $script) === false ? 0 : $pid;
        }

        /** We hold the lock, so whoever left these traces is gone. They are overwritten, nothing is deleted. */
        private function noticeCrash(): void
        {
            $record = $this->readRecord();
            $left = lstat($this->path . '.pid') !== false;
            if (!$left && ($record['state'] ?? '') !== 'running') {
                return;
            }
            $pid = $this->pidInFile() ?: ($record['pid'] ?? '?');
            $text = "Removing stale lock file from dead process (PID: $pid)";
            $this->say($text);
            $this->log($text);
            $this->log("previous run PID $pid ended without cleaning up (killed, out of memory or power loss)");
        }

        private function begin(): void
        {
            self::$held[$this->path] = $this;
            self::$spare = str_repeat('.', 65536);
            $this->since = microtime(true);
            $self = self::process($this->pid);
            $this->record = [
                'v' => 1, 'pid' => $this->pid, 'start' => $self === null ? null : $self['start'], 'boot' => self::boot(), 'pidns' => self::pidns(),
                'host' => self::host(), 'started' => time(), 'hb' => time(), 'state' => 'running', 'ended' => null, 'why' => '',
            ];
            $this->writeRecord();
            if (lstat($this->path . '.stuck') !== false) {
                unlink($this->path . '.stuck');
            }
            $this->rotateLog();
            $called = (string) ($this->options['script'] ?: ($_SERVER['SCRIPT_FILENAME'] ?? ''));
            $this->called = $called === '' || $called[0] === '/' ? $called : getcwd() . '/' . $called;
            $this->stamp = $this->deployed();
            if (count(self::$held) > 1) {
                return; // a second lock of the same process: the first one has set up what follows
            }
            register_shutdown_function(static function () {
                self::$spare = null;
                $error = error_get_last();
                $fatal = $error !== null && ($error['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR)) !== 0;
                self::finish($fatal ? 'failed' : 'done');
            });
            $this->listen();
        }

        private function listen(): void
        {
            if (function_exists('pcntl_async_signals') && function_exists('pcntl_signal')) {
                pcntl_async_signals(true);
                // What the starter ignores stays ignored: nohup means it for HUP, a shell's & for INT.
                $ignored = preg_match('/^SigIgn:\s*[0-9a-f]*([0-9a-f]{8})$/m', self::read('/proc/self/status'), $m) ? hexdec($m[1]) : 0;
                foreach ([15, 2, 1] as $signal) {
                    if (($ignored & (1 << ($signal - 1))) === 0) {
                        pcntl_signal($signal, static function (int $signal) {
                            self::onSignal($signal);
                        });
                    }
                }
                if ($this->options['maxRuntime'] > 0 && function_exists('pcntl_alarm')) {
                    // The default action, not a handler: a handler would wait for a blocked query, the kernel does not.
                    pcntl_signal(SIGALRM, SIG_DFL);
                    pcntl_alarm((int) $this->options['maxRuntime']);
                }
            }
        }

        // ---- while running, and at the end

        private static function onSignal(int $signal): void
        {
            self::$why = self::$why !== '' ? self::$why : "signal $signal";
            if (self::$asked) {
                return; // the worker stops between two jobs
            }
            // This worker never asks. It must still die from a signal as it did without the guard, only tidier.
            self::finish('failed');
            if (function_exists('posix_kill')) {
                pcntl_signal($signal, SIG_DFL);
                posix_kill(self::pid(), $signal);
                return;
            }
            exit(128 + $signal);
        }

        private function reasonToStop(): string
        {
            if ($this->options['maxTime'] > 0 && microtime(true) - $this->since >= $this->options['maxTime']) {
                return 'time limit';
            }
            if ($this->options['maxMemory'] > 0 && memory_get_usage(true) >= $this->options['maxMemory'] * 1048576) {
                return 'memory limit';
            }
            if (microtime(true) - $this->checked < 5) {
                return '';
            }
            $this->checked = microtime(true);
            if (!$this->isStillOurs()) {
                return 'the lock file was replaced';
            }
            if ($this->deployed() !== $this->stamp) {
                return 'the code was deployed anew';
            }
            if (self::pid() === $this->pid) { // a forked child only reads
                $this->record['hb'] = time();
                $this->writeRecord();
                $this->rotateLog();
            }
            return '';
        }

        /** Changes when the script does, or when a link such as `current` leads to another release. */
        private function deployed(): string
        {
            clearstatcache(true);
            $real = $this->called === '' ? false : realpath($this->called);
            $stat = $real === false ? false : stat($real);
            return $stat === false ? '' : "$real {$stat['mtime']} {$stat['ino']} {$stat['size']}";
        }

        /**
         * Says how it ended. No LOCK_UN, no fclose, no unlink of the lock file: shutdown functions and destructors of the
         * worker still run after this, and the kernel releases the lock after the last of them.
         */
        private static function finish(string $state): void
        {
            self::quietly(static function () use ($state) {
                foreach (self::$held as $guard) {
                    if (self::pid() !== $guard->pid || $guard->record['state'] !== 'running') {
                        continue; // a forked child cleans up nothing
                    }
                    $guard->record = ['state' => $state, 'ended' => time(), 'hb' => time(), 'why' => self::$why] + $guard->record;
                    $guard->writeRecord();
                    $guard->withdraw();
                }
            });
        }

        // ---- when somebody else holds the lock

        /** Healthy holder: silence and 0. Stuck holder, or a dead one whose child kept the lock: 75, loud once an hour. */
        private function lost(): void
        {
            for ($try = 0; $try < 6; $try++) {
                usleep($try === 0 ? 0 : 20000); // a holder that has just started has not written its record yet
                $record = $this->readRecord();
                $holder = self::holder($record);
                if ($holder === 'alive' || $holder === 'unknown') {
                    break;
                }
            }
            if ($holder === 'dead' && $this->staysDead($record)) {
                $this->complain("The worker PID {$record['pid']} is dead, but a process it started still holds {$this->path}.lock: " . $this->leak());
            }
            $age = isset($record['started']) && $holder !== 'dead' ? time() - $record['started'] : 0;
            $limit = (int) $this->options['maxRuntime'];
            if ($limit > 0 && $age > $limit + 60) {
                $quiet = time() - (int) ($record['hb'] ?? $record['started']);
                $text = "The worker PID {$record['pid']} holds the lock since $age s (limit $limit s, last sign of life $quiet s ago).";
                if ($this->options['killStuck'] && $holder === 'alive' && function_exists('posix_kill')) {
                    $signal = $age > $limit + 180 ? 9 : 15;
                    posix_kill((int) $record['pid'], $signal);
                    $text .= " Sent signal $signal.";
                }
                $this->complain($text);
            }
            $pid = $holder === 'alive' || $holder === 'unknown' ? $record['pid'] : ($this->pidInFile() ?: '?');
            $text = "Another instance is already running (PID: $pid).";
            $this->say("$text If you believe this is an error, look at that process; deleting the lock file {$this->path}.lock does not stop it.");
            $log = lstat($this->path . '.log');
            if ($log === false || $log['size'] < self::LOG_LIMIT) { // only a holder may rotate the log, so a loser must not fill it
                $this->log($text);
            }
            exit(0);
        }

        /** Two seconds of doubt: on a busy machine a new holder needs a while from the lock to its record. */
        private function staysDead(array $record): bool
        {
            $identity = ['pid' => 1, 'start' => 1, 'state' => 1];
            for ($look = 0; $look < 20; $look++) {
                if (flock($this->fp, LOCK_EX | LOCK_NB)) {
                    exit(0); // the holder ended just now: the next tick works
                }
                usleep(100000);
                if (array_intersect_key($this->readRecord(), $identity) != array_intersect_key($record, $identity)) {
                    return false;
                }
            }
            return true;
        }

        private function complain(string $text): void
        {
            $this->log($text);
            $marker = lstat($this->path . '.stuck');
            if ($this->verbose() || $marker === false || time() - $marker['mtime'] >= 3600) {
                $this->put('.stuck', '');
                self::complainTo($text);
            }
            exit(75);
        }

        /** 'none' without a record, else whether the process that wrote it lives: 'alive', 'dead' or 'unknown'. */
        private static function holder(array $record): string
        {
            if (!isset($record['pid'])) {
                return 'none';
            }
            // A PID says nothing on another machine or in another container.
            $here = ($record['pidns'] ?? '') === self::pidns() && ($record['host'] ?? '') === self::host();
            if (!isset($record['start']) || !$here) {
                return 'unknown';
            }
            if (($record['boot'] ?? '') !== self::boot()) {
                return 'dead';
            }
            $process = self::process((int) $record['pid']);
            if ($process === null) {
                return self::process(self::pid()) === null || file_exists('/proc/' . $record['pid']) ? 'unknown' : 'dead';
            }
            return $process['state'] !== 'Z' && $process['start'] === $record['start'] ? 'alive' : 'dead';
        }

        /** Names the process whose open descriptor carries the lock. Only a descriptor that has it: losers have the file open, too. */
        private function leak(): string
        {
            $ours = fstat($this->fp);
            foreach (glob('/proc/[0-9]*/fd/[0-9]*') ?: [] as $fd) {
                if (self::sameFile(stat($fd), $ours)) {
                    $pid = (int) explode('/', $fd)[2];
                    if ($pid !== $this->pid && strpos(self::read(str_replace('/fd/', '/fdinfo/', $fd)), 'FLOCK') !== false) {
                        return "PID $pid (" . trim(self::read("/proc/$pid/comm")) . ')';
                    }
                }
            }
            return 'PID ? (not visible from here)';
        }

        // ---- files

        private function readRecord(): array
        {
            $text = self::read($this->path . '.lock', self::RECORD);
            $record = function_exists('json_decode') ? json_decode(trim($text), true) : null;
            return is_array($record) ? $record : [];
        }

        /** Overwritten in place at a fixed width: no moment without a record. A full disk may stop it and does not matter. */
        private function writeRecord(): void
        {
            $record = $this->record;
            $record['why'] = preg_replace('/[^ -~]/', '?', substr($record['why'], 0, 80));
            $text = function_exists('json_encode') ? json_encode($record, JSON_UNESCAPED_SLASHES) : '';
            rewind($this->fp);
            fwrite($this->fp, str_pad(substr($text, 0, self::RECORD - 1), self::RECORD - 1) . "\n");
        }

        private function pidInFile(): int
        {
            clearstatcache();
            $stat = lstat($this->path . '.pid');
            return $stat !== false && ($stat['mode'] & 0170000) === 0100000 ? (int) self::read($this->path . '.pid', 20) : 0;
        }

        /** Writes beside and renames: a reader never sees half a file, and a link at this path is replaced, not followed. */
        private function put(string $suffix, string $text): void
        {
            $temporary = $this->path . $suffix . '.' . $this->pid . '.tmp';
            if (file_put_contents($temporary, $text) === strlen($text)) {
                rename($temporary, $this->path . $suffix);
            } elseif (lstat($temporary) !== false) {
                unlink($temporary);
            }
        }

        private function log(string $text): void
        {
            $stat = lstat($this->path . '.log');
            if ($stat === false || (($stat['mode'] & 0170000) === 0100000 && $stat['nlink'] === 1)) {
                file_put_contents($this->path . '.log', gmdate('Y-m-d\TH:i:s\Z') . " [{$this->pid}] $text\n", FILE_APPEND);
            }
        }

        /** Called by the holder only: two processes renaming at once would lose a log. */
        private function rotateLog(): void
        {
            clearstatcache();
            $stat = lstat($this->path . '.log');
            if ($stat !== false && $stat['size'] >= self::LOG_LIMIT) {
                rename($this->path . '.log', $this->path . '.log.1');
            }
        }

        // ---- talking

        private function named(string $text): string
        {
            return ($this->options['name'] ?: 'guard') . ': ' . $text;
        }

        private function refuse(int $code, string $text): void
        {
            self::complainTo($text);
            exit($code);
        }

        private static function complainTo(string $text): void
        {
            fwrite(defined('STDERR') ? STDERR : fopen('php://stderr', 'w'), "$text\n");
        }

        /** Past PHP's output layer: an echo would make the worker's own header() or session_start() fail. */
        private function say(string $text): void
        {
            if ($this->verbose() && defined('STDOUT')) {
                fwrite(STDOUT, "$text\n");
            }
        }

        private function verbose(): bool
        {
            return $this->options['verbose'] || getenv('CRONLATCH_VERBOSE') === '1' || array_intersect(['-v', '--verbose'], $_SERVER['argv'] ?? []) !== []
                || (defined('STDOUT') && stream_isatty(STDOUT));
        }

        /** Runs our file work with files for us only, and without the worker's error handler seeing our warnings. */
        private static function quietly(callable $work): void
        {
            $mask = umask(0077);
            set_error_handler(static function (int $level, string $message) {
                self::$reason = $message;
                return true;
            });
            try {
                $work();
            } finally {
                restore_error_handler();
                umask($mask); // the worker's own files get the mode they always had
            }
        }

        // ---- the machine; hosters disable many of these functions, and /proc may be absent

        private static function read(string $path, int $length = 65536): string
        {
            $text = file_get_contents($path, false, null, 0, $length);
            return $text === false ? '' : $text;
        }

        private static function pid(): int
        {
            return function_exists('getmypid') ? (int) getmypid() : (int) readlink('/proc/self');
        }

        private static function uid(): ?int
        {
            if (function_exists('posix_geteuid')) {
                return posix_geteuid();
            }
            return preg_match('/^Uid:\s*\d+\s+(\d+)/m', self::read('/proc/self/status'), $m) ? (int) $m[1] : null;
        }

        /** @return array{state: string, start: int}|null */
        private static function process(int $pid): ?array
        {
            $stat = self::read("/proc/$pid/stat");
            $fields = explode(' ', substr($stat, (int) strrpos($stat, ')') + 2)); // the name before ')' may hold spaces
            return isset($fields[19]) ? ['state' => $fields[0], 'start' => (int) $fields[19]] : null;
        }

        private static function boot(): string
        {
            return trim(self::read('/proc/sys/kernel/random/boot_id', 64));
        }

        private static function pidns(): string
        {
            return (string) readlink('/proc/self/ns/pid');
        }

        private static function host(): string
        {
            return preg_replace('/[^ -~]/', '?', substr(function_exists('gethostname') ? (string) gethostname() : '', 0, 48));
        }

        private function script(): string
        {
            $script = (string) ($this->options['script'] ?: ($_SERVER['SCRIPT_FILENAME'] ?? ''));
            return realpath($script) ?: $script;
        }

        // ---- started by hand or by cronlatch: status and probe

        /** @param string[] $argv */
        public static function main(array $argv): int
        {
            $code = 64;
            self::quietly(static function () use ($argv, &$code) {
                $guard = new self(['dir' => $argv[2] ?? '', 'name' => $argv[3] ?? '', 'verbose' => true]);
                if (isset($argv[3]) && $argv[1] === 'status') {
                    fwrite(STDOUT, self::json($guard->status()));
                    $code = 0;
                } elseif (isset($argv[3]) && $argv[1] === 'probe') {
                    $result = $guard->probe();
                    fwrite(STDOUT, self::json($result));
                    $code = $result['ok'] ? 0 : 1;
                } elseif (isset($argv[3]) && $argv[1] === '--hold') { // one process of the probe: runs until its stdin ends
                    $guard->take();
                    fwrite(STDOUT, "running\n");
                    stream_get_contents(STDIN);
                    $code = 0;
                } else {
                    self::complainTo('Usage: php cronlatch-guard.php status|probe DIR NAME');
                }
            });
            return $code;
        }

        /** Looks and creates nothing. The shared lock on a read-only handle is the test; closing it gives it back. */
        private function status(): array
        {
            $stat = lstat($this->path . '.lock');
            if ($stat === false) {
                for ($seen = $this->dir; lstat($seen) === false && strlen($seen) > 1;) {
                    $seen = dirname($seen);
                }
                $held = is_executable($seen) ? false : null; // not there, or hidden from this user?
            } else {
                $fp = ($stat['mode'] & 0170000) === 0100000 ? fopen($this->path . '.lock', 're') : false;
                $busy = 0;
                $free = $fp !== false && flock($fp, LOCK_SH | LOCK_NB, $busy);
                $held = $free ? false : ($busy === 1 ? true : null);
            }
            $record = $this->readRecord();
            $over = $held === false && ($record['state'] ?? '') !== 'running';
            return [
                'held' => $held, 'record' => $record ?: null, 'holder' => $over ? 'none' : self::holder($record),
                'pid' => $record['pid'] ?? ($this->pidInFile() ?: null), 'dir' => $this->dir, 'name' => $this->options['name'],
                'php' => PHP_VERSION, 'pcntl' => function_exists('pcntl_signal'), 'posix' => function_exists('posix_kill'),
            ];
        }

        /**
         * Shows in the real directory, with the real interpreter and user, that a second instance is refused and that a
         * crash is survived. Under a lock name of its own: no worker is started or disturbed.
         */
        private function probe(): array
        {
            $result = [
                'ok' => false, 'acquired' => false, 'refused' => ['exit' => null, 'message' => ''],
                'stale' => ['recovered' => false, 'message' => ''], 'errors' => [],
            ];
            if (!function_exists('proc_open') || PHP_BINARY === '') {
                $result['errors'][] = 'proc_open is not available here: a second instance cannot be started to try the lock';
                return $result;
            }
            if (!is_dir($this->dir)) {
                $result['errors'][] = "{$this->dir} does not exist";
                return $result;
            }
            $name = '.probe-' . $this->pid;
            $probe = new self(['dir' => $this->dir, 'name' => $name]);
            $first = self::start($probe);
            $said = self::line($first);
            $result['acquired'] = $said === 'running';
            if ($result['acquired']) {
                $second = self::start($probe);
                $message = self::line($second);
                $result['refused'] = ['exit' => self::end($second, $result['errors']), 'message' => $message];
            }
            $code = self::end($first, $result['errors']);
            if ($result['acquired'] && $code === 0) {
                $probe->put('.pid', "99999\n"); // what a killed instance leaves behind
                $third = self::start($probe);
                $result['stale']['message'] = self::line($third);
                $result['stale']['recovered'] = self::line($third) === 'running';
                self::end($third, $result['errors']);
            } else {
                $result['errors'][] = "the first instance ended with $code: $said";
            }
            foreach (glob($probe->path . '.*') ?: [] as $file) {
                unlink($file); // the probe's own files, nobody waits for them
            }
            $result['ok'] = $result['acquired'] && $result['refused']['exit'] === 0 && $result['stale']['recovered']
                && strpos($result['refused']['message'], 'Another instance is already running') === 0;
            return $result;
        }

        private static function start(self $probe): array
        {
            $command = [PHP_BINARY, __FILE__, '--hold', $probe->dir, $probe->options['name']];
            $process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
            return ['process' => $process, 'pipes' => $process === false ? [] : $pipes];
        }

        /** The next line a started process says, or '' when it says nothing for 10 seconds. */
        private static function line(array $started): string
        {
            if ($started['pipes'] === []) {
                return '';
            }
            $ready = [$started['pipes'][1]];
            $none = null;
            return stream_select($ready, $none, $none, 10) ? trim((string) fgets($started['pipes'][1])) : '';
        }

        private static function end(array $started, array &$errors): int
        {
            if ($started['pipes'] === []) {
                return -1;
            }
            fclose($started['pipes'][0]); // the end of its input is its sign to stop
            for ($wait = 0; $wait < 500 && ($status = proc_get_status($started['process']))['running']; $wait++) {
                usleep(20000);
            }
            if ($status['running']) {
                proc_terminate($started['process'], 9);
            }
            $error = trim((string) stream_get_contents($started['pipes'][2]));
            if ($error !== '') {
                $errors[] = $error;
            }
            proc_close($started['process']);
            return $status['running'] ? -1 : $status['exitcode'];
        }

        private static function json(array $value): string
        {
            return json_encode($value, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
        }
    }
}

if (PHP_SAPI === 'cli' && isset($_SERVER['SCRIPT_FILENAME']) && realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    exit(Guard::main($_SERVER['argv']));
}

// Put in front of a script by -d auto_prepend_file.
if (is_string(get_cfg_var('cronlatch.dir'))) {
    Guard::acquire([
        'dir' => get_cfg_var('cronlatch.dir'),
        'name' => (string) get_cfg_var('cronlatch.name'),
        'maxRuntime' => (int) get_cfg_var('cronlatch.max_runtime'),
        'maxTime' => (int) get_cfg_var('cronlatch.max_time'),
        'maxMemory' => (int) get_cfg_var('cronlatch.max_memory'),
        'wait' => (int) get_cfg_var('cronlatch.wait'),
        'verbose' => (bool) get_cfg_var('cronlatch.verbose'),
        'killStuck' => (bool) get_cfg_var('cronlatch.kill_stuck'),
        'lockChildren' => (bool) get_cfg_var('cronlatch.lock_children'),
        'script' => (string) get_cfg_var('cronlatch.script'),
    ]);
}

return static function (array $options): void {
    Guard::acquire($options);
};
