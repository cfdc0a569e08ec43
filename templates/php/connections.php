<?php
// Database connections of one's own account, for hosts without Node: lists them, and with --kill ends what is provably nobody's.
//
//   php connections.php                     changes nothing
//   php connections.php --kill [--min-idle=300] [--unseen-transactions]
//
// Credentials: DB_HOST, DB_PORT, DB_SOCKET, DB_DATABASE, DB_USERNAME, DB_PASSWORD of the environment, else of the nearest .env
// above this file. They are never printed. Exit code 0: there is room; 3: at 60 % of the limit or more, or full; 6: not asked.
declare(strict_types=1);

const LEAST_IDLE = 60;
const USUAL_IDLE = 300;
/** Whoever runs one of these may be at work, however long his connection rests. */
const INTERPRETERS = '~^(?:php|node|bun|deno|python|perl|ruby|java|lua|hhvm|php-fpm|lsphp|apache2|httpd|nginx)~';

$options = getopt('', ['kill', 'min-idle:', 'unseen-transactions']);
$minIdle = (int) ($options['min-idle'] ?? USUAL_IDLE);
if ($minIdle < LEAST_IDLE) {
    fwrite(STDERR, "--min-idle below 60 would hit live workers between two questions.\n");
    exit(2);
}

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
    foreach (['DB_HOST', 'DB_PORT', 'DB_SOCKET', 'DB_DATABASE', 'DB_USERNAME', 'DB_PASSWORD'] as $name) {
        if (getenv($name) !== false) {
            $found[$name] = getenv($name);
        }
    }
    return $found;
}

$s = settings();
$place = ($s['DB_SOCKET'] ?? '') !== ''
    ? 'unix_socket=' . $s['DB_SOCKET']
    : 'host=' . ($s['DB_HOST'] ?? 'localhost') . ';port=' . ($s['DB_PORT'] ?? '3306');

/** Tries for five seconds while the account is full: a gap may come. */
function enter(string $dsn, array $s): PDO
{
    for ($try = 1, $pause = 50_000; ; $try++, $pause = (int) ($pause * 1.5)) {
        try {
            return new PDO($dsn, $s['DB_USERNAME'] ?? '', $s['DB_PASSWORD'] ?? '', [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 3]);
        } catch (PDOException $e) {
            $full = (bool) preg_match('/\b(1203|1226|1040)\b/', $e->getMessage(), $m);
            if (!$full) {
                fwrite(STDERR, 'The database could not be asked: ' . preg_replace('/\s+/', ' ', $e->getMessage()) . "\n");
                exit(6);
            }
            if ($try === 8) {
                $limit = ['1203' => "the server's max_user_connections", '1226' => 'the account\'s own MAX_USER_CONNECTIONS', '1040' => 'max_connections of the whole server'][$m[1]];
                echo "The account is full ({$m[1]}): it has reached $limit. Its password is not the trouble.\n";
                foreach (holders(null) as $pid => $one) {
                    echo "  PID $pid {$one['name']} holds {$one['count']} socket(s)\n";
                }
                exit(3);
            }
            usleep($pause);
        }
    }
}

/** Processes of ours that hold this socket (or any), by PID. */
function holders(?int $inode): array
{
    $found = [];
    foreach (glob('/proc/[0-9]*', GLOB_ONLYDIR) ?: [] as $directory) {
        $pid = (int) basename($directory);
        $count = 0;
        foreach (@scandir("$directory/fd") ?: [] as $fd) {
            $link = (string) @readlink("$directory/fd/$fd");
            $count += (int) ($inode === null ? str_starts_with($link, 'socket:') : $link === "socket:[$inode]");
        }
        $exe = basename((string) @readlink("$directory/exe"));
        if ($count === 0 || ($inode === null && !preg_match('~^(?:php|node)~', $exe)) || $pid === getmypid()) {
            continue;
        }
        $stat = (string) @file_get_contents("$directory/stat");
        $rest = explode(' ', substr($stat, (int) strrpos($stat, ')') + 2));
        $up = (float) explode(' ', (string) file_get_contents('/proc/uptime'))[0];
        $found[$pid] = ['name' => $exe, 'count' => $count, 'ppid' => (int) ($rest[1] ?? 0), 'start' => $rest[19] ?? '', 'age' => $up - ((float) ($rest[19] ?? 0)) / 100];
    }
    return $found;
}

/** The client's own socket of a TCP connection on this machine, by its port; null where it is not here or not one. */
function clientSocket(int $port, int $server): ?int
{
    $found = [];
    foreach (['/proc/net/tcp', '/proc/net/tcp6'] as $path) {
        foreach (array_slice(@file($path) ?: [], 1) as $line) {
            $w = preg_split('/\s+/', trim($line));
            $local = hexdec(explode(':', $w[1])[1] ?? '0');
            $remote = hexdec(explode(':', $w[2])[1] ?? '0');
            if ($local === $port && $remote === $server) {
                $found[] = (int) $w[9];
            }
        }
    }
    return count($found) === 1 ? $found[0] : null;
}

/** Why a connection is kept, or null: nobody's. */
function protection(array $row, int $me, int $server, int $minIdle, bool $unseen): ?string
{
    if ((int) $row['Id'] === $me) {
        return 'our own';
    }
    if ($row['Command'] !== 'Sleep') {
        return 'at work';
    }
    if ((float) $row['Time'] < $minIdle) {
        return 'not idle for long enough';
    }
    if (!preg_match('/^(localhost|127\.[\d.]+|::1):(\d+)$/', (string) $row['Host'], $m)) {
        return str_contains((string) $row['Host'], ':') ? 'another machine\'s' : 'its owner cannot be told over the unix socket';
    }
    $inode = clientSocket((int) $m[2], $server);
    $held = $inode === null || $inode === 0 ? [] : holders($inode);
    if ($held === []) {
        return 'its owner cannot be seen';
    }
    foreach ($held as $pid => $one) {
        if ($one['name'] === '' || preg_match(INTERPRETERS, $one['name'])) {
            return "PID $pid {$one['name']} is alive";
        }
        // Only a child that was born after the last question, and whose parent is gone, never asked anything itself.
        if ($one['age'] + 0.05 >= (float) $row['Time'] || ($one['ppid'] !== 1 && !isset($held[$one['ppid']]))) {
            return "PID $pid {$one['name']} is alive";
        }
    }
    return $unseen ? null : 'whether a transaction is open cannot be seen (--unseen-transactions allows it)';
}

$db = enter("mysql:$place;charset=utf8mb4", $s);
[$me, $limit, $server] = $db->query('SELECT CONNECTION_ID(), IF(@@session.max_user_connections > 0, @@session.max_user_connections, @@global.max_connections), @@port')->fetch(PDO::FETCH_NUM);
// Whole seconds are too coarse to tell who was born after the last question; MariaDB has thousandths.
$query = stripos((string) $db->query('SELECT VERSION()')->fetchColumn(), 'mariadb') === false
    ? 'SHOW FULL PROCESSLIST'
    : 'SELECT ID AS Id, USER AS User, HOST AS Host, COMMAND AS Command, TIME_MS / 1000 AS Time FROM information_schema.PROCESSLIST';
$list = fn (): array => $db->query($query)->fetchAll(PDO::FETCH_ASSOC);
$rows = array_values(array_filter($list(), fn (array $r): bool => $r['User'] === ($s['DB_USERNAME'] ?? '')));
$used = count($rows) - 1;
echo "$used of $limit connections in use, our own left out.\n";
$unseen = isset($options['unseen-transactions']);
foreach ($rows as $row) {
    $id = (int) $row['Id'];
    $why = protection($row, (int) $me, (int) $server, $minIdle, $unseen);
    $said = $why === null ? 'nobody\'s' : "kept: $why";
    if ($why === null && isset($options['kill'])) {
        // Looked at again right before: the same row at the same rest, and still nobody's.
        $now = array_values(array_filter($list(), fn (array $r): bool => (int) $r['Id'] === $id))[0] ?? null;
        if ($now === null) {
            $said = 'had ended by itself';
        } elseif ($now['User'] !== $row['User'] || $now['Host'] !== $row['Host'] || (float) $now['Time'] < (float) $row['Time'] || protection($now, (int) $me, (int) $server, $minIdle, $unseen) !== null) {
            $said = 'kept: it changed while it was looked at';
        } else {
            try {
                $db->exec('KILL ' . $id);
                $said = 'ended';
            } catch (PDOException $e) {
                $said = ($e->errorInfo[1] ?? 0) === 1094 ? 'had ended by itself' : 'could not be ended';
            }
        }
    }
    echo str_pad((string) $id, 8, ' ', STR_PAD_LEFT) . "  {$row['Command']} " . (int) $row['Time'] . " s  {$row['Host']}  $said\n";
}
exit($used >= 0.6 * (int) $limit ? 3 : 0);
