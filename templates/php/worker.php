<?php
// A worker for a table of jobs. Edit process() and the table's names; everything else may stay as it is.
//
//   php worker.php --once                 does what waits now (at most --limit jobs) and ends: for cron
//   php worker.php                        goes on until --max-seconds are over
//
// It claims each job so that no other worker gets it, gives back the jobs of workers that were killed, completes a job only
// while it is its own, and closes its connection while it waits. One instance at a time is the guard's business:
// cronlatch deploy. Credentials: DB_* of the environment, else of the nearest .env above this file.
declare(strict_types=1);

const TABLE = 'import_jobs';
const MAX_ATTEMPTS = 3;
/** Seconds after which a job of another host is taken from its worker. */
const LEASE = 3600;

/** The work itself. Throw, and the job is tried again until MAX_ATTEMPTS. */
function process(array $job, Closure $db): void
{
    $payload = json_decode((string) $job['payload'], true) ?? [];
    usleep((int) (1_000_000 * ($payload['seconds'] ?? 0)));
}

$options = getopt('', ['once', 'limit:', 'max-seconds:', 'max-memory:', 'keep-connection']);
$once = isset($options['once']);
$limit = (int) ($options['limit'] ?? 10);
$maxSeconds = (float) ($options['max-seconds'] ?? 3300);
$maxMemory = (int) ($options['max-memory'] ?? 256) * 1024 * 1024;
$keep = isset($options['keep-connection']);

$stop = false;
if (function_exists('pcntl_async_signals')) {
    pcntl_async_signals(true);
    foreach ([SIGTERM, SIGINT] as $signal) {
        pcntl_signal($signal, function () use (&$stop): void { $stop = true; });
    }
}

function say(string $text): void
{
    fwrite(STDOUT, '[' . gmdate('Y-m-d\TH:i:s\Z') . '] ' . $text . "\n");
}

/** Variables of the nearest .env above this file, those of the environment first. */
function settings(): array
{
    $found = [];
    for ($at = __DIR__; ; $at = dirname($at)) {
        if (is_readable("$at/.env")) {
            foreach (file("$at/.env", FILE_IGNORE_NEW_LINES) as $line) {
                if (preg_match('/^\s*(?:export\s+)?(DB_\w+)\s*=\s*(?:\'([^\']*)\'|"([^"]*)"|(\S*))/', $line, $m, PREG_UNMATCHED_AS_NULL)) {
                    $found[$m[1]] = $m[2] ?? $m[3] ?? $m[4] ?? '';
                }
            }
            break;
        }
        if ($at === dirname($at)) {
            break;
        }
    }
    foreach ($found + ['DB_HOST' => 0, 'DB_PORT' => 0, 'DB_SOCKET' => 0, 'DB_DATABASE' => 0, 'DB_USERNAME' => 0, 'DB_PASSWORD' => 0] as $name => $_) {
        $value = getenv($name);
        if ($value !== false) {
            $found[$name] = $value;
        }
    }
    return $found;
}

function connect(): PDO
{
    $s = settings();
    $place = ($s['DB_SOCKET'] ?? '') !== ''
        ? 'unix_socket=' . $s['DB_SOCKET']
        : 'host=' . ($s['DB_HOST'] ?? 'localhost') . ';port=' . ($s['DB_PORT'] ?? '3306');
    return new PDO(
        "mysql:$place;dbname=" . ($s['DB_DATABASE'] ?? '') . ';charset=utf8mb4',
        $s['DB_USERNAME'] ?? '',
        $s['DB_PASSWORD'] ?? '',
        [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC],
    );
}

/** When a process was born, in the kernel's own ticks: with the PID it names one process for ever. */
function bornAt(int $pid): string
{
    $stat = @file_get_contents("/proc/$pid/stat");
    return $stat === false ? '' : (explode(' ', substr($stat, (int) strrpos($stat, ')') + 2))[19] ?? '');
}

$me = gethostname() . ':' . getmypid() . ':' . bornAt((int) getmypid());
$connection = null;
$db = function () use (&$connection): PDO { return $connection ??= connect(); };

/** Since MariaDB 10.6 and MySQL 8.0.1 a row that another worker has is passed over. */
function canSkip(PDO $db): bool
{
    $version = (string) $db->query('SELECT VERSION()')->fetchColumn();
    preg_match('/(\d+\.\d+\.\d+)/', preg_replace('/^5\.5\.5-/', '', $version), $m);
    return version_compare($m[1] ?? '0', stripos($version, 'mariadb') !== false ? '10.6.0' : '8.0.1', '>=');
}

/** One job that nobody else gets, or null. */
function claim(PDO $db, string $me): ?array
{
    $t = TABLE;
    if (!canSkip($db)) {
        $token = $me . ':' . bin2hex(random_bytes(6));
        $taken = $db->prepare("UPDATE $t SET status = 'processing', locked_by = ?, locked_at = NOW(), attempts = attempts + 1 WHERE status = 'pending' ORDER BY id LIMIT 1");
        $taken->execute([$token]);
        $read = $db->prepare("SELECT * FROM $t WHERE locked_by = ? AND status = 'processing'");
        $read->execute([$token]);
        return $taken->rowCount() === 1 ? ($read->fetch() ?: null) : null;
    }
    $db->beginTransaction();
    $job = $db->query("SELECT * FROM $t WHERE status = 'pending' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")->fetch();
    if ($job !== false) {
        $db->prepare("UPDATE $t SET status = 'processing', locked_by = ?, locked_at = NOW(), attempts = attempts + 1 WHERE id = ?")->execute([$me, $job['id']]);
        $job['locked_by'] = $me;
        $job['attempts']++;
    }
    $db->commit();
    return $job === false ? null : $job;
}

/** Gives back what a killed worker of this host left in work, and what one of another host has had for too long. */
function recover(PDO $db): int
{
    $t = TABLE;
    $recovered = 0;
    $back = $db->prepare("UPDATE $t SET status = IF(attempts >= " . MAX_ATTEMPTS . ", 'failed', 'pending'), locked_by = NULL WHERE id = ? AND locked_by = ? AND status = 'processing'");
    foreach ($db->query("SELECT id, locked_by, locked_at < NOW() - INTERVAL " . LEASE . " SECOND AS late FROM $t WHERE status = 'processing'")->fetchAll() as $job) {
        [$host, $pid, $born] = explode(':', (string) $job['locked_by']) + ['', '', ''];
        $gone = $host === gethostname() ? $born === '' || bornAt((int) $pid) !== $born : (bool) $job['late'];
        if ($gone) {
            $back->execute([$job['id'], $job['locked_by']]);
            $recovered += $back->rowCount();
        }
    }
    return $recovered;
}

/** Ends a job that is still ours. Says whether it was. */
function finish(PDO $db, array $job, string $status, ?string $error): bool
{
    $done = $db->prepare('UPDATE ' . TABLE . ' SET status = ?, error = ?, locked_by = NULL, finished_at = NOW() WHERE id = ? AND locked_by = ? AND status = ?');
    $done->execute([$status, $error, $job['id'], $job['locked_by'], 'processing']);
    return $done->rowCount() === 1;
}

$started = microtime(true);
$count = 0;
try {
    $recovered = recover($db());
    if ($recovered > 0) {
        say("$recovered jobs of killed workers given back");
    }
    while (!$stop && $count < ($once ? $limit : PHP_INT_MAX)) {
        if (microtime(true) - $started > $maxSeconds || memory_get_usage(true) > $maxMemory) {
            break;
        }
        $job = claim($db(), $me);
        if ($job === null) {
            if ($once) {
                break;
            }
            // A worker that waits needs no connection: others of the account may.
            $connection = null;
            sleep(2);
            continue;
        }
        $count++;
        if (!$keep) {
            $connection = null;
        }
        try {
            process($job, $db);
            [$status, $error] = ['completed', null];
        } catch (Throwable $e) {
            [$status, $error] = [$job['attempts'] >= MAX_ATTEMPTS ? 'failed' : 'pending', substr($e->getMessage(), 0, 500)];
        }
        say('job ' . $job['id'] . (finish($db(), $job, $status, $error) ? " $status" : ' was taken by another worker: its result is not kept'));
    }
} catch (PDOException $e) {
    say($e->getMessage());
    exit(1);
}
say("$count jobs");
