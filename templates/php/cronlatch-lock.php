<?php
// Looks at a worker's lock, or tries it, with the interpreter and the user of the site. One line of JSON.
//     php cronlatch-lock.php status|probe GUARD DIR NAME        GUARD is the path of cronlatch-guard.php
// cronlatch hands it to `php -r`. It is no part of the guard, because PHP compiles the guard at every start of the worker.

[, $what, $file, $dir, $name] = $argv + ['', '', '', '', ''];
if ($name === '' || !in_array($what, ['status', 'probe'], true)) {
    fwrite(STDERR, "Usage: php cronlatch-lock.php status|probe GUARD DIR NAME\n");
    exit(64);
}

/** Looks and creates nothing. The shared lock on a read-only handle is the test; closing it gives it back. */
$status = static function (string $dir, string $name): array {
    $guard = new self(['dir' => $dir, 'name' => $name]);
    $answer = [];
    self::quietly(static function () use ($guard, &$answer) {
        $stat = lstat($guard->path . '.lock');
        if ($stat === false) {
            for ($seen = $guard->dir; lstat($seen) === false && strlen($seen) > 1;) {
                $seen = dirname($seen);
            }
            $held = is_executable($seen) ? false : null; // not there, or hidden from this user?
        } else {
            $fp = self::is($stat, 0100000) ? fopen($guard->path . '.lock', 're') : false;
            $busy = 0;
            $free = $fp !== false && flock($fp, LOCK_SH | LOCK_NB, $busy);
            $held = $free ? false : ($busy === 1 ? true : null);
        }
        $record = $guard->readRecord();
        $over = $held === false && ($record['state'] ?? '') !== 'running';
        $answer = [
            'held' => $held, 'record' => $record ?: null, 'holder' => $over ? 'none' : self::holder($record),
            'pid' => $record['pid'] ?? ($guard->pidInFile() ?: null), 'dir' => $guard->dir, 'name' => $guard->options['name'],
            'php' => PHP_VERSION, 'pcntl' => function_exists('pcntl_signal'), 'posix' => function_exists('posix_kill'),
        ];
    });
    return $answer;
};

/**
 * Shows in the real directory that a second instance is refused and that a crash is survived. Under lock names of its
 * own: no worker is started or disturbed.
 */
$probe = static function (string $file, string $dir): array {
    $result = [
        'ok' => false, 'acquired' => false, 'refused' => ['exit' => null, 'message' => ''],
        'stale' => ['recovered' => false, 'message' => ''], 'errors' => [],
    ];
    if (!is_dir($dir) || !function_exists('proc_open') || PHP_BINARY === '') {
        $result['errors'][] = is_dir($dir)
            ? 'proc_open is not available here: a second instance cannot be started to try the lock'
            : "$dir does not exist";
        return $result;
    }
    $name = '.probe-' . uniqid();
    $instance = static function (string $name) use ($file, $dir, &$result): array {
        $code = '(require $argv[1])(["dir" => $argv[2], "name" => $argv[3], "verbose" => true]); echo "running\n";';
        $command = [PHP_BINARY, '-r', $code, '--', $file, $dir, $name];
        $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
        $lines = explode("\n", trim((string) stream_get_contents($pipes[1])));
        $error = trim((string) stream_get_contents($pipes[2]));
        if ($error !== '') {
            $result['errors'][] = $error;
        }
        return [proc_close($process), $lines];
    };
    [$exit, $lines] = $instance($name);
    $result['acquired'] = $exit === 0 && $lines === ['running'];
    if ($result['acquired']) {
        (require $file)(['dir' => $dir, 'name' => $name]); // this process holds the lock from here on
        [$exit, $lines] = $instance($name);
        $result['refused'] = ['exit' => $exit, 'message' => $lines[0]];
        file_put_contents("$dir/$name-dead.pid", "99999\n"); // what a killed instance leaves behind
        [, $lines] = $instance("$name-dead");
        $result['stale'] = ['recovered' => end($lines) === 'running', 'message' => $lines[0]];
    } else {
        $result['errors'][] = "the first instance ended with $exit: $lines[0]";
    }
    foreach (scandir($dir) as $entry) {
        if (strpos($entry, $name) === 0) {
            unlink("$dir/$entry"); // the probe's own files, nobody waits for them
        }
    }
    $result['ok'] = $result['acquired'] && $result['refused']['exit'] === 0 && $result['stale']['recovered']
        && strpos($result['refused']['message'], 'Another instance is already running') === 0;
    return $result;
};

if ($what === 'status') {
    require $file;
    $answer = Closure::bind($status, null, Cronlatch\Guard::class)($dir, $name);
} else {
    $answer = $probe($file, $dir);
}
fwrite(STDOUT, json_encode($answer, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
exit(($answer['ok'] ?? true) ? 0 : 1);
