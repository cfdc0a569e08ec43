<?php
// cronlatch-guard version: 1.2.0
//
// One instance of a worker at a time. PHP 7.4 to 8.5, no extension needed (pcntl and posix are used when present).
// In a script, as its first statement:
//     (require __DIR__ . '/cronlatch-guard.php')(['dir' => '/abs/dir', 'name' => 'worker']);
// In front of a script:  php -d auto_prepend_file=THIS -d cronlatch.dir=/abs/dir -d cronlatch.name=worker script.php
//
// The truth is the kernel's lock on DIR/NAME.lock, and only while that file is still the one at this path. The kernel
// frees it when the process is gone, however it died. So the file is never deleted and a crash leaves nothing to
// repair; deleting it by hand is what lets two instances run. The PIDs in the files are information for people.
// PHP compiles this file at every start of the worker, so nothing stands here that a start does not need.

namespace Cronlatch;

// The file may be required twice, or from two copies: the first one wins.
if (!class_exists(__NAMESPACE__ . '\Guard', false)) {
    final class Guard
    {
        private const RECORD = 512;
        private const LOG_LIMIT = 1048576;
        public const DEFAULTS = [
            'dir' => '', 'name' => '', 'script' => '', 'maxRuntime' => 0, 'maxTime' => 0, 'maxMemory' => 0, 'maxJobs' => 0,
            'wait' => 0, 'verbose' => false, 'killStuck' => false, 'lockChildren' => false, 'shared' => '',
        ];

        /** @var Guard[] Locks of this process. Static: a handle in a local variable is closed, and the lock lost, at the end of its function. */
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
        private $jobs = 0;
        private $record = [];
        private $script = '';
        private $stamp = '';
        private $shared;

        private function __construct(array $options)
        {
            $this->options = $options + self::DEFAULTS;
            $dir = (string) $this->options['dir'];
            $this->dir = rtrim($dir, '/') ?: $dir;
            $this->path = (realpath($this->dir) ?: $this->dir) . '/' . $this->options['name'];
            $this->pid = self::pid();
        }

        /** Takes the lock or ends the process: 0 busy, 73 to 77 as in the documentation. */
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
                        self::$why = self::$why ?: $guard->reasonToStop();
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
                $this->leave(77, 'CLI only');
            }
            $this->checkDirectory();
            $deadline = microtime(true) + $this->options['wait'];
            for ($replaced = 0; ($got = $this->tryLock()) !== 'got'; fclose($this->fp)) {
                if ($got === 'replaced' && ++$replaced >= 50) {
                    $this->refuse(74, "{$this->path}.lock keeps being replaced");
                }
                if ($got === 'busy') {
                    microtime(true) < $deadline ? usleep(100000) : $this->lost();
                }
            }
            $this->begin();
            if ($this->options['shared'] !== '') { // several web servers: a second lock, in the database they share
                $this->shared = (require __DIR__ . '/cronlatch-shared.php')($this);
            }
        }

        private function checkDirectory(): void
        {
            $dir = $this->dir;
            if ($this->options['name'] === '' || strpbrk($this->options['name'], "/\0\n") !== false || $dir === '' || $dir[0] !== '/') {
                $this->refuse(73, 'the guard needs an absolute dir and a name without a slash');
            }
            clearstatcache();
            $uid = self::uid();
            if (lstat($dir) === false) {
                for ($above = dirname($dir); lstat($above) === false && $above !== '/';) {
                    $above = dirname($above);
                }
                if ($uid === 0) { // root's own directory in a customer's tree would stop the customer's runs for ever
                    $this->mustOwn($above, $uid);
                }
                if (!mkdir($dir, 0700, true) && !is_dir($dir)) {
                    $this->refuse(73, "cannot create $dir");
                }
                clearstatcache();
                $this->path = (realpath($dir) ?: $dir) . '/' . $this->options['name'];
            }
            $stat = lstat($dir);
            if (!self::is($stat, 0040000)) {
                $this->refuse(77, "$dir is not a real directory");
            }
            $this->mustOwn($dir, $uid);
            if (($stat['mode'] & 0022) !== 0) { // who may write here could lay a link where the guard writes its PID
                $this->refuse(77, "$dir is writable for " . (($stat['mode'] & 0002) !== 0 ? 'everybody' : 'its group'));
            }
        }

        private function mustOwn(string $dir, ?int $uid): void
        {
            $owner = lstat($dir)['uid'];
            if ($uid !== null && $owner !== $uid) {
                $this->refuse(77, "$dir belongs to uid $owner, this process is uid $uid: run the task as the owner of the directory");
            }
        }

        /** 'got', 'busy', or 'replaced': what we have locked is no longer the file at this path, and so worth nothing. */
        private function tryLock(): string
        {
            clearstatcache();
            $lock = $this->path . '.lock';
            $stat = lstat($lock);
            // A file that is being deleted this very moment has no name left (0): that is no link, and we look again.
            if ($stat !== false && (!self::is($stat, 0100000) || $stat['nlink'] > 1 || $stat['uid'] !== (self::uid() ?? $stat['uid']))) {
                $this->refuse(77, "$lock is a link or belongs to another user");
            }
            // 'c' neither truncates nor fails when the file is there; 'e' keeps the lock out of the children.
            $this->fp = fopen($lock, $this->options['lockChildren'] ? 'c+' : 'c+e');
            if ($this->fp === false) {
                $this->refuse(73, "cannot open $lock: " . preg_replace('/^.*(failed to open stream|\)): /i', '', self::$reason));
            }
            stream_set_read_buffer($this->fp, 0); // the record is to be read as it is now
            if (!flock($this->fp, LOCK_EX | LOCK_NB, $busy)) {
                if ($busy !== 1) { // an error looks like "busy" but for this; saying "already running" would be a silent outage
                    $this->refuse(74, "flock() is not possible on $lock (network file system?): refusing to run without a lock");
                }
                return 'busy';
            }
            return $this->isStillOurs() && $this->claim() ? 'got' : 'replaced';
        }

        /**
         * Publishes our PID. It must not replace the PID of another live instance: that one would be hidden from the next
         * start if the lock file were deleted once more. So the file is made by link(), which fails where one is, and by
         * one process at a time: what is left over now may be somebody's the moment we delete it.
         */
        private function claim(): bool
        {
            $door = fopen(dirname($this->path), 're'); // a directory can be locked, too
            for ($try = 0; $try < 100 && $door !== false && !flock($door, LOCK_EX | LOCK_NB, $busy) && $busy === 1; $try++) {
                usleep(10000);
            }
            $file = $this->path . '.pid';
            $mine = "$file.{$this->pid}.tmp";
            file_put_contents($mine, $this->pid . "\n"); // a full disk may stop it and does not matter
            for ($try = 0; $try < 5; $try++) {
                $seen = $this->pidInFile();
                if ($seen > 0 && $this->isInstance($seen)) {
                    unlink($mine);
                    $text = "The lock file was deleted while another instance still runs (PID: $seen). Not starting a second one.";
                    $this->log($text);
                    $this->leave(75, $text);
                }
                $left = lstat($file) !== false;
                if ($try === 0) {
                    $this->noticeCrash($seen, $left);
                }
                if ($left && $this->pidInFile() === $seen) {
                    unlink($file); // left over: its process is not one of ours
                }
                if (function_exists('link') && link($mine, $file)) {
                    break;
                }
                if (lstat($file) === false) {
                    rename($mine, $file); // no links on this file system
                    break;
                }
            }
            unlink($mine);
            if (!$this->isStillOurs()) {
                $this->withdraw();
                return false;
            }
            return true;
        }

        /** Second line of defence, for a lock file deleted under a running worker: the PID file still names that worker. */
        private function isInstance(int $pid): bool
        {
            $process = $pid === $this->pid ? null : self::process($pid);
            $script = basename($this->called());
            if ($process === null || $process['state'] === 'Z' || $script === '' || !preg_match('/^btime (\d+)/m', self::read('/proc/stat', 1048576), $boot)) {
                return false;
            }
            // Started after the PID file was written: the number was given to somebody else.
            if ($boot[1] + $process['start'] / 100 > lstat($this->path . '.pid')['mtime'] + 1) {
                return false;
            }
            // It may be a worker of another name, or in Node: then it has the deleted lock file open.
            foreach (glob("/proc/$pid/fd/*") ?: [] as $fd) {
                if (strpos((string) readlink($fd), $this->path . '.lock') === 0) {
                    return true;
                }
            }
            return strpos(self::read("/proc/$pid/cmdline"), $script) !== false;
        }

        /** We hold the lock, so whoever left these traces is gone. They are overwritten, nothing is deleted. */
        private function noticeCrash(int $pid, bool $left): void
        {
            $this->rotateLog();
            $record = $this->readRecord();
            if ($left || ($record['state'] ?? '') === 'running') {
                $pid = $pid ?: ($record['pid'] ?? '?');
                $text = "Removing stale lock file from dead process (PID: $pid)";
                $this->say($text);
                $this->log($text);
                $this->log("previous run PID $pid ended without cleaning up (killed, out of memory or power loss)");
            }
        }

        private function withdraw(): void
        {
            if ($this->pidInFile() === $this->pid) {
                unlink($this->path . '.pid');
            }
        }

        private function isStillOurs(): bool
        {
            clearstatcache();
            return self::sameFile(lstat($this->path . '.lock'), fstat($this->fp));
        }

        private function begin(): void
        {
            self::$held[$this->path] = $this;
            $this->since = microtime(true);
            $this->record = [
                'v' => 1, 'pid' => $this->pid, 'start' => self::process($this->pid)['start'] ?? null, 'boot' => self::boot(),
                'pidns' => self::pidns(), 'host' => self::host(), 'started' => time(), 'hb' => time(), 'state' => 'running',
                'ended' => null, 'why' => '',
            ];
            $this->writeRecord();
            if ($this->options['shared'] === '' && lstat($this->path . '.stuck') !== false) {
                unlink($this->path . '.stuck');
            }
            $script = $this->called();
            $this->script = $script === '' || $script[0] === '/' ? $script : getcwd() . '/' . $script;
            $this->stamp = $this->deployed();
            if (count(self::$held) > 1) {
                return; // a second lock of the same process: the first one has set up what follows
            }
            self::$spare = str_repeat('.', 16384);
            register_shutdown_function(static function () {
                self::$spare = null;
                $fatal = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
                self::finish(((error_get_last()['type'] ?? 0) & $fatal) !== 0 ? 'failed' : 'done');
            });
            if (function_exists('pcntl_async_signals') && function_exists('pcntl_signal')) {
                $this->listen();
            }
        }

        private function listen(): void
        {
            pcntl_async_signals(true);
            foreach ([15, 2, 1] as $signal) { // TERM, INT, HUP
                pcntl_signal($signal, static function (int $signal) {
                    self::onSignal($signal);
                });
            }
            if ($this->options['maxRuntime'] > 0 && function_exists('pcntl_alarm')) {
                // The default action, not a handler: a handler would wait for a blocked query, the kernel does not.
                pcntl_signal(SIGALRM, SIG_DFL);
                pcntl_alarm((int) $this->options['maxRuntime']);
            }
        }

        // ---- while running, and at the end

        private static function onSignal(int $signal): void
        {
            self::$why = self::$why ?: "signal $signal";
            if (self::$asked) {
                return; // the worker stops between two jobs
            }
            // This worker never asks. It must still die from a signal as it did without the guard, only tidier.
            self::finish('failed');
            if (!function_exists('posix_kill')) {
                exit(128 + $signal);
            }
            pcntl_signal($signal, SIG_DFL);
            posix_kill(self::pid(), $signal);
        }

        private function reasonToStop(): string
        {
            $now = microtime(true);
            if ($this->options['maxTime'] > 0 && $now - $this->since >= $this->options['maxTime']) {
                return 'time limit';
            }
            if ($this->options['maxMemory'] > 0 && memory_get_usage(true) >= $this->options['maxMemory'] * 1048576) {
                return 'memory limit';
            }
            if ($this->options['maxJobs'] > 0 && $this->jobs >= $this->options['maxJobs']) {
                return 'job limit';
            }
            if ($now - $this->checked >= 5) {
                $this->checked = $now;
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
            }
            if ($this->shared !== null && ($lost = ($this->shared)()) !== '') {
                return $lost;
            }
            $this->jobs++;
            return '';
        }

        /** Changes when the script does, or when a link such as `current` leads to another release. */
        private function deployed(): string
        {
            clearstatcache(true);
            $real = $this->script === '' ? false : realpath($this->script);
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
                    $guard->withdraw(); // first: a signal may come in between
                    $guard->record = array_merge($guard->record, ['state' => $state, 'ended' => time(), 'hb' => time(), 'why' => self::$why]);
                    $guard->writeRecord();
                }
            });
        }

        // ---- when somebody else holds the lock

        /** Healthy holder: silence and 0. Stuck holder, or a dead one whose child kept the lock: 75, loud once an hour. */
        private function lost(): void
        {
            for ($look = 0; $look < 6; $look++) {
                $record = $this->readRecord();
                $holder = self::holder($record);
                if ($holder === 'alive' || $holder === 'unknown') {
                    break;
                }
                usleep(20000); // a holder that has just started has not written its record yet
            }
            $pid = $holder === 'none' ? ($this->pidInFile() ?: '?') : $record['pid'];
            if ($holder === 'dead' && $this->staysDead($record)) {
                $this->complain("The worker PID $pid is dead, but a process it started still holds {$this->path}.lock: " . $this->leak());
            }
            $limit = (int) $this->options['maxRuntime'];
            $age = $holder === 'dead' ? 0 : time() - ($record['started'] ?? time());
            if ($limit > 0 && $age > $limit + 60) {
                $quiet = time() - ($record['hb'] ?? $record['started']);
                $text = "The worker PID $pid holds the lock since $age s (limit $limit s, last sign of life $quiet s ago).";
                if ($this->options['killStuck'] && $holder === 'alive' && function_exists('posix_kill')) {
                    $signal = $age > $limit + 180 ? 9 : 15;
                    posix_kill($pid, $signal);
                    $text .= " Sent signal $signal.";
                }
                $this->complain($text);
            }
            $text = "Another instance is already running (PID: $pid).";
            $this->say("$text If you believe this is an error, look at that process; deleting the lock file {$this->path}.lock does not stop it.");
            $this->log($text);
            exit(0);
        }

        /** Two seconds of doubt: on a busy machine a new holder needs a while from the lock to its record. */
        private function staysDead(array $record): bool
        {
            for ($look = 0; $look < 20; $look++) {
                if (flock($this->fp, LOCK_EX | LOCK_NB)) {
                    exit(0); // the holder ended just now: the next tick works
                }
                usleep(100000);
                $now = $this->readRecord();
                foreach (['pid', 'start', 'state'] as $key) {
                    if (($now[$key] ?? '') !== ($record[$key] ?? '')) {
                        return false;
                    }
                }
            }
            return true;
        }

        private function complain(string $text, int $code = 75): void
        {
            $this->log($text);
            $marker = $this->path . '.stuck';
            $stat = lstat($marker);
            if ($this->verbose() || $stat === false || time() - $stat['mtime'] >= 3600) {
                // Written beside and renamed: a link at this path is replaced, not followed.
                if (touch("$marker.{$this->pid}.tmp")) {
                    rename("$marker.{$this->pid}.tmp", $marker);
                }
                $this->leave($code, $text);
            }
            exit($code);
        }

        /** 'none' without a record, else whether the process that wrote it lives: 'alive', 'dead' or 'unknown'. */
        private static function holder(array $record): string
        {
            $pid = (int) ($record['pid'] ?? 0);
            if ($pid < 1) {
                return 'none';
            }
            // A PID says nothing on another machine or in another container.
            if (!isset($record['start']) || ($record['pidns'] ?? '') !== self::pidns() || ($record['host'] ?? '') !== self::host()) {
                return 'unknown';
            }
            if (($record['boot'] ?? '') !== self::boot()) {
                return 'dead';
            }
            $process = self::process($pid);
            if ($process === null) { // hidden from us, or gone?
                return self::process(self::pid()) === null || file_exists("/proc/$pid") ? 'unknown' : 'dead';
            }
            return $process['state'] !== 'Z' && $process['start'] === $record['start'] ? 'alive' : 'dead';
        }

        /** Names the process whose open descriptor carries the lock. Only a descriptor that has it: losers have the file open, too. */
        private function leak(): string
        {
            foreach (glob('/proc/[0-9]*/fd/[0-9]*') ?: [] as $fd) {
                $pid = (int) substr($fd, 6);
                if ($pid !== $this->pid && self::sameFile(stat($fd), fstat($this->fp))
                    && strpos(self::read(str_replace('/fd/', '/fdinfo/', $fd)), 'FLOCK') !== false) {
                    return "PID $pid (" . trim(self::read("/proc/$pid/comm")) . ')';
                }
            }
            return 'PID ? (not visible from here)';
        }

        // ---- files

        private function readRecord(): array
        {
            // From the file that is locked, which need not be the one at the path.
            $text = $this->fp ? (string) stream_get_contents($this->fp, self::RECORD, 0) : self::read($this->path . '.lock', self::RECORD);
            $record = function_exists('json_decode') ? json_decode($text, true) : null;
            return is_array($record) ? $record : [];
        }

        /** Overwritten in place at a fixed width: no moment without a record. A full disk may stop it and does not matter. */
        private function writeRecord(): void
        {
            $text = function_exists('json_encode') ? json_encode($this->record) : '';
            rewind($this->fp);
            fwrite($this->fp, str_pad($text, self::RECORD - 1) . "\n");
        }

        private function pidInFile(): int
        {
            clearstatcache();
            return self::is(lstat($this->path . '.pid'), 0100000) ? (int) self::read($this->path . '.pid', 20) : 0;
        }

        /** Only a holder turns the log over, so a log that is full takes no more lines from losers. */
        private function log(string $text): void
        {
            clearstatcache();
            $stat = lstat($this->path . '.log');
            if ($stat === false || (self::is($stat, 0100000) && $stat['nlink'] <= 1 && $stat['size'] < self::LOG_LIMIT)) {
                file_put_contents($this->path . '.log', gmdate('Y-m-d\TH:i:s\Z') . " [{$this->pid}] $text\n", FILE_APPEND);
            }
        }

        private function rotateLog(): void
        {
            clearstatcache();
            if ((lstat($this->path . '.log')['size'] ?? 0) >= self::LOG_LIMIT) {
                rename($this->path . '.log', $this->path . '.log.1');
            }
        }

        // ---- talking

        private function refuse(int $code, string $text): void
        {
            $this->leave($code, ($this->options['name'] ?: 'guard') . ": $text");
        }

        private function leave(int $code, string $text): void
        {
            fwrite(defined('STDERR') ? STDERR : fopen('php://stderr', 'w'), "$text\n");
            exit($code);
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
            return $this->options['verbose'] || getenv('CRONLATCH_VERBOSE') === '1' || array_intersect(['-v', '--verbose'], $_SERVER['argv'] ?? [])
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

        private static function read(string $path, int $length = 4096): string
        {
            return (string) file_get_contents($path, false, null, 0, $length);
        }

        /** @param array|false $stat */
        private static function is($stat, int $type): bool
        {
            return $stat !== false && ($stat['mode'] & 0170000) === $type;
        }

        /** @param array|false $one @param array|false $other */
        private static function sameFile($one, $other): bool
        {
            return $one !== false && $other !== false && $one['ino'] === $other['ino'] && $one['dev'] === $other['dev'];
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

        /** @return array{state: string, start: int}|null Start in ticks since boot. */
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
            $name = function_exists('gethostname') ? (string) gethostname() : ''; // at most 64 characters; odd ones would swell in JSON
            return substr($name, 0, strspn($name, '-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'));
        }

        private function called(): string
        {
            return (string) ($this->options['script'] ?: ($_SERVER['SCRIPT_FILENAME'] ?? ''));
        }
    }
}

// Put in front of a script by -d auto_prepend_file: each option is an ini setting, maxRuntime is cronlatch.max_runtime.
if (is_string(get_cfg_var('cronlatch.dir'))) {
    $cronlatch = [];
    foreach (Guard::DEFAULTS as $option => $default) {
        $value = get_cfg_var('cronlatch.' . strtolower(preg_replace('/[A-Z]/', '_$0', $option)));
        settype($value, gettype($default));
        $cronlatch[$option] = $value;
    }
    Guard::acquire($cronlatch);
    unset($cronlatch, $option, $default, $value); // the script's variables are its own
}

return static function (array $options): void {
    Guard::acquire($options);
};
