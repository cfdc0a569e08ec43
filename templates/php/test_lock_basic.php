<?php
// Does the lock work here? Tries it with this PHP, as this user, in a directory of its own that it removes again.
//
//     php test_lock_basic.php                     beside cronlatch-guard.php
//     php test_lock_basic.php --dir /abs/dir      on the drive where the locks are to be
//     php test_lock_basic.php --guard FILE --json
//
// No worker of yours is started or stopped. Exit code 0: all passed; 1: something failed; 2: it cannot be tried here.
// test_lock_edges.php does the same for crashes, deleted files and other bad luck.

namespace Cronlatch\LockTest;

/** What one test found. */
final class Checklist
{
    /** @var array<int, array{name: string, is: string, saw: string}> */
    public $found = [];
    private $json;

    public function __construct(bool $json)
    {
        $this->json = $json;
    }

    /** @param string|\Closure $saw What was seen instead; worked out only when it is needed. */
    public function that(string $name, bool $holds, $saw = ''): bool
    {
        $seen = $holds ? '' : ($saw instanceof \Closure ? $saw() : $saw);
        $this->add($name, $holds ? 'pass' : 'fail', trim((string) preg_replace('/\s+/', ' ', $seen)));
        return $holds;
    }

    public function skip(string $name, string $why): void
    {
        $this->add($name, 'skip', $why);
    }

    private function add(string $name, string $is, string $saw): void
    {
        $this->found[] = ['name' => $name, 'is' => $is, 'saw' => $saw];
        if (!$this->json) {
            $sign = ['pass' => '✓', 'fail' => '✗', 'skip' => '-'][$is];
            echo "$sign $name", $saw === '' ? '' : "  ($saw)", "\n";
        }
    }

    /** Says how it ended; the exit code. */
    public function end(string $title): int
    {
        $failed = count(array_filter($this->found, static function (array $test) {
            return $test['is'] === 'fail';
        }));
        if ($this->json) {
            echo json_encode(['title' => $title, 'php' => PHP_VERSION, 'tests' => $this->found], JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
        } else {
            echo $failed === 0 ? "All $title passed.\n" : "$failed of the $title FAILED.\n";
        }
        return $failed === 0 ? 0 : 1;
    }
}

/** A lock directory and a worker script of our own, gone at the end with all that was started. */
final class Stage
{
    public $root;
    public $dir;
    public $worker;
    private $guard;
    /** @var array<int, Instance> */
    private $started = [];

    public function __construct(string $guard, string $below)
    {
        $this->guard = $guard;
        $this->root = rtrim($below, '/') . '/.cronlatch-test-' . getmypid();
        $this->dir = $this->root . '/lock';
        $this->worker = $this->root . '/cronlatch-test-worker.php';
        umask(0077);
        if (!mkdir($this->root, 0700) || !mkdir($this->dir, 0700)) {
            refuse("cannot make a directory in $below");
        }
        $quoted = var_export($guard, true);
        $dir = var_export($this->dir, true);
        // What it does is told on its input, a word a line; the end of its input ends it.
        $source = "<?php\n(require $quoted)(['dir' => $dir, 'name' => 'worker', 'verbose' => true]);\n"
            . "echo \"running\\n\";\n"
            . "while (true) {\n"
            . "    \$ready = [STDIN]; \$none = null;\n" // not fgets() alone: PHP would look at a signal only after it
            . "    if (!@stream_select(\$ready, \$none, \$none, 0, 200000)) { continue; }\n"
            . "    if ((\$word = fgets(STDIN)) === false) { break; }\n"
            . "    if (trim(\$word) === 'child') { exec('sleep 20 > /dev/null 2>&1 & echo \$!', \$said); echo \$said[0], \"\\n\"; }\n"
            . "    if (trim(\$word) === 'throw') { throw new Exception('a job failed'); }\n"
            . "}\n";
        file_put_contents($this->worker, $source);
        register_shutdown_function([$this, 'clear']);
    }

    public function start(): Instance
    {
        return $this->started[] = new Instance([PHP_BINARY, '-d', 'display_errors=stderr', $this->worker]);
    }

    public function path(string $ending): string
    {
        return $this->dir . '/worker' . $ending;
    }

    public function read(string $ending): string
    {
        clearstatcache();
        return is_file($this->path($ending)) ? (string) file_get_contents($this->path($ending)) : '';
    }

    /** Can the lock be had at this moment? A shared one, given back at once. */
    public function isFree(): bool
    {
        $handle = fopen($this->path('.lock'), 're');
        $free = $handle !== false && flock($handle, LOCK_SH | LOCK_NB);
        if ($handle !== false) {
            fclose($handle);
        }
        return $free;
    }

    public function clear(): void
    {
        foreach ($this->started as $instance) {
            $instance->kill();
        }
        foreach ([$this->dir, $this->root] as $directory) {
            foreach (is_dir($directory) ? (scandir($directory) ?: []) : [] as $name) {
                if (!is_dir("$directory/$name") || is_link("$directory/$name")) {
                    unlink("$directory/$name");
                }
            }
            if (is_dir($directory)) {
                rmdir($directory);
            }
        }
    }
}

/** One started worker. */
final class Instance
{
    public $pid;
    private $process;
    private $pipes = [];
    private $code;

    public function __construct(array $command)
    {
        $this->process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $this->pipes);
        if ($this->process === false) {
            refuse('a second PHP cannot be started: ' . implode(' ', $command));
        }
        $this->pid = proc_get_status($this->process)['pid'];
    }

    /** Its next line, or '' when it says nothing for ten seconds. */
    public function line(): string
    {
        $ready = [$this->pipes[1]];
        $none = null;
        return stream_select($ready, $none, $none, 10) ? trim((string) fgets($this->pipes[1])) : '';
    }

    /** Does it run, whatever it says of an earlier one? */
    public function runs(): bool
    {
        $said = $this->line();
        return (strpos($said, 'Removing stale') === 0 ? $this->line() : $said) === 'running';
    }

    public function tell(string $word): void
    {
        fwrite($this->pipes[0], "$word\n");
    }

    /** Ends its input and waits; what it still said is in the last two. */
    public function end(): array
    {
        if (is_resource($this->pipes[0])) {
            fclose($this->pipes[0]);
        }
        $code = $this->wait();
        return [$code, (string) stream_get_contents($this->pipes[1]), (string) stream_get_contents($this->pipes[2])];
    }

    public function signal(int $signal): int
    {
        proc_terminate($this->process, $signal);
        return $this->wait();
    }

    public function kill(): void
    {
        if ($this->code === null) {
            $this->signal(9);
        }
    }

    /** Its exit code, -1 when a signal ended it or it never ended. */
    private function wait(): int
    {
        for ($tries = 0; $this->code === null && $tries < 1000; $tries++) {
            $status = proc_get_status($this->process);
            if (!$status['running']) {
                $this->code = $status['signaled'] ? -1 : $status['exitcode'];
                break;
            }
            usleep(10000);
        }
        return $this->code === null ? -1 : $this->code;
    }
}

/** It cannot be tried here. */
function refuse(string $why): void
{
    fwrite(STDERR, "The lock cannot be tried here: $why.\n");
    exit(2);
}

/** @return array{0: Stage, 1: Checklist} */
function prepare(array $argv): array
{
    $options = ['--guard' => __DIR__ . '/cronlatch-guard.php', '--dir' => getcwd() ?: __DIR__];
    $json = false;
    for ($i = 1; $i < count($argv); $i++) {
        if ($argv[$i] === '--json') {
            $json = true;
        } elseif (isset($options[$argv[$i]], $argv[$i + 1])) {
            $options[$argv[$i]] = $argv[++$i];
        } else {
            refuse("'{$argv[$i]}' is not understood; it takes --guard FILE, --dir DIR and --json");
        }
    }
    if (PHP_SAPI !== 'cli' || PHP_BINARY === '') {
        refuse('this is not the PHP of the command line');
    }
    if (!function_exists('proc_open') || !function_exists('flock')) {
        refuse('proc_open is switched off in php.ini (disable_functions), so no second instance can be started');
    }
    $guard = realpath($options['--guard']);
    $dir = realpath($options['--dir']);
    if ($guard === false) {
        refuse("there is no guard {$options['--guard']} (--guard FILE)");
    }
    if ($dir === false) {
        refuse("there is no directory {$options['--dir']} (--dir DIR)");
    }
    return [new Stage((string) $guard, (string) $dir), new Checklist($json)];
}

function basic(Stage $stage, Checklist $check): void
{
    $first = $stage->start();
    $said = $first->line();
    if (!$check->that('an instance takes the lock', $said === 'running', fn () => $said . ' ' . $first->end()[2])) {
        return;
    }
    $check->that('the PID file names it', trim($stage->read('.pid')) === (string) $first->pid, $stage->read('.pid'));
    $check->that('the lock is held while it runs', !$stage->isFree());

    $second = $stage->start();
    [$code, $out, $err] = $second->end();
    $told = strpos($out, "Another instance is already running (PID: {$first->pid})") === 0;
    $check->that('a second instance is refused and says who runs', $told, $out . $err);
    $check->that('the refused one ends with exit code 0, so that cron is quiet', $code === 0 && $err === '', "exit code $code $err");
    $check->that('the first one has not noticed', trim($stage->read('.pid')) === (string) $first->pid);

    [$code, , $err] = $first->end();
    $check->that('it ends by itself', $code === 0, "exit code $code $err");
    $check->that('its PID file is gone', $stage->read('.pid') === '');
    $check->that('the lock is free', $stage->isFree());
    $check->that('the lock file stays: deleting it is what lets two instances run', is_file($stage->path('.lock')));

    $next = $stage->start();
    $said = $next->line();
    $check->that('the next run gets the lock', $said === 'running', fn () => $said . ' ' . $next->end()[2]);
    $next->end();
    $modes = decoct(fileperms($stage->path('.lock')) & 0777) . ' ' . decoct(fileperms($stage->dir) & 0777);
    $check->that('nobody else may read or write the lock', $modes === '600 700', $modes);
}

if (isset($_SERVER['SCRIPT_FILENAME']) && realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__) {
    [$stage, $check] = prepare($_SERVER['argv']);
    basic($stage, $check);
    exit($check->end('basic lock tests'));
}
