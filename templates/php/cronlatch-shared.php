<?php
// cronlatch-guard version: 1.2.0
//
// The guard's second lock, for one worker on several web servers: GET_LOCK in the MySQL or MariaDB that they share. Loaded
// by cronlatch-guard.php once it holds its own lock, and only with the option `shared`: the path of a .env file, `env`
// for the environment, or in a script a callable that gives a PDO of its own. PHP 7.4 to 8.5, with pdo_mysql or mysqli. With
// `#NAME` behind it the lock is named by that instead of by the worker, which may be called otherwise on another server.
//
// The lock lives as long as its connection: only a connection of our own, never a persistent one, will do. GET_LOCK says 1
// for yes and 0 for busy; NULL or an error is neither, and then nothing is started. Twin of cronlatch-shared.mjs.

namespace Cronlatch;

/** Bound to the guard, whose files and messages it uses. Gives back what asks, before each job, whether the lock is still ours: '' or why not. */
return \Closure::bind(static function (Guard $guard): \Closure {
    $variables = static function (string $from): array {
        if ($from === 'env') {
            return getenv();
        }
        $text = $from[0] === '/' ? file_get_contents($from) : false;
        if ($text === false) {
            throw new \RuntimeException("cannot read $from: " . ($from[0] === '/' ? preg_replace('/^.*: /', '', self::$reason) : 'not an absolute path'));
        }
        $line = '/^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=[ \t]*(?:\'([^\']*)\'|"((?:[^"\\\\]|\\\\.)*+)"|([^\r\n]*))[^\r\n]*/ms';
        preg_match_all($line, $text, $found, PREG_SET_ORDER | PREG_UNMATCHED_AS_NULL);
        $known = [];
        foreach ($found as $one) {
            $value = $one[2] ?? ($one[3] === null ? trim(preg_replace('/(?:^|[ \t])#.*$/', '', $one[4])) : preg_replace('/\\\\(["\\\\$])/', '$1', str_replace('\n', "\n", $one[3])));
            $known[$one[1]] = $one[2] ?? preg_replace_callback('/\$\{(\w+)\}|\$(\w+)/', static function (array $m) use ($known): string {
                return (string) ($known[$m[1] ?: $m[2]] ?? $m[0]);
            }, $value);
        }
        return $known;
    };

    $credentials = static function (array $known): array {
        $first = static function (string ...$names) use ($known): string {
            foreach ($names as $name) {
                if (($known[$name] ?? '') !== '') {
                    return (string) $known[$name];
                }
            }
            return '';
        };
        $to = [
            'user' => $first('DB_USERNAME', 'DB_USER', 'MYSQL_USER'), 'password' => $first('DB_PASSWORD', 'DB_PASS', 'MYSQL_PASSWORD'),
            'database' => $first('DB_DATABASE', 'DB_NAME', 'MYSQL_DATABASE'), 'host' => $first('DB_HOST', 'MYSQL_HOST'),
            'port' => $first('DB_PORT', 'MYSQL_PORT'), 'socket' => $first('DB_SOCKET', 'MYSQL_SOCKET'),
        ];
        $url = '~^(?:pdo[-_])?(?:mysqli?|mariadb)2?://(?:([^/?#:]*)(?::([^/?#]*))?@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?(?:/([^?#]*))?(?:\?([^#]*))?~i';
        if (preg_match($url, trim($first('DATABASE_URL', 'DB_URL', 'MYSQL_URL')), $m)) {
            $m = array_map('rawurldecode', $m) + array_fill(0, 7, '');
            parse_str($m[6], $more);
            $to = ['user' => $m[1], 'password' => $m[2], 'host' => $m[3], 'port' => $m[4], 'database' => $m[5], 'socket' => (string) ($more['socket'] ?? $more['unix_socket'] ?? '')];
        }
        // As WordPress and mysqli write it: localhost:3307, localhost:/run/my.sock, [::1]:3306; p: would be a persistent one.
        if (preg_match('~^(?:p:)?(?:\[(.+)\]|([^:]*))(?::(?:(\d+)|(/.*)))?$~', $to['host'], $m)) {
            $m += array_fill(0, 5, '');
            $to['host'] = $m[1] . $m[2];
            $to['port'] = $m[3] !== '' ? $m[3] : $to['port'];
            $to['socket'] = $to['socket'] !== '' ? $to['socket'] : $m[4];
        }
        if ($to['user'] === '' || $to['database'] === '') {
            throw new \RuntimeException('no DB_USERNAME and DB_DATABASE, and no DATABASE_URL, there');
        }
        return ['host' => $to['host'] !== '' ? $to['host'] : 'localhost'] + $to;
    };

    /** Asks one statement and gives its first row. */
    $viaPdo = static function (\PDO $pdo): \Closure {
        $pdo->setAttribute(\PDO::ATTR_ERRMODE, \PDO::ERRMODE_EXCEPTION);
        return static function (string $sql) use ($pdo): array {
            return strpos($sql, 'SET') === 0 ? [$pdo->exec($sql)] : ($pdo->query($sql)->fetchAll(\PDO::FETCH_NUM)[0] ?? []);
        };
    };
    $viaMysqli = static function (array $to): \Closure {
        $driver = new \mysqli_driver();
        $mode = $driver->report_mode;
        $driver->report_mode = MYSQLI_REPORT_OFF;
        $db = mysqli_init();
        $db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 3);
        $in = $db->real_connect($to['host'], $to['user'], $to['password'], $to['database'], (int) $to['port'] ?: null, $to['socket'] ?: null);
        $driver->report_mode = $mode; // the application's
        if (!$in) {
            throw new \RuntimeException('[' . mysqli_connect_errno() . '] ' . mysqli_connect_error());
        }
        return static function (string $sql) use ($db): array {
            $rows = $db->query($sql);
            if ($rows === false) {
                throw new \RuntimeException("[{$db->errno}] {$db->error}");
            }
            return $rows === true ? [] : ($rows->fetch_row() ?: []);
        };
    };
    $connect = static function ($from) use ($variables, $credentials, $viaPdo, $viaMysqli): \Closure {
        // A cut network must not hold the worker for a day, which is what this is set to. It counts when a connection is opened.
        $patience = ini_set('mysqlnd.net_read_timeout', '10');
        try {
            if (!is_string($from)) {
                $pdo = $from();
                if (!$pdo instanceof \PDO || $pdo->getAttribute(\PDO::ATTR_DRIVER_NAME) !== 'mysql' || $pdo->getAttribute(\PDO::ATTR_PERSISTENT)) {
                    throw new \RuntimeException('the callable has to give a new PDO of MySQL or MariaDB that is not persistent');
                }
                return $viaPdo($pdo);
            }
            $to = $credentials($variables($from));
            if (class_exists('PDO', false) && in_array('mysql', \PDO::getAvailableDrivers(), true)) {
                $place = $to['socket'] !== '' ? "unix_socket={$to['socket']}" : "host={$to['host']}" . ($to['port'] !== '' ? ";port={$to['port']}" : '');
                return $viaPdo(new \PDO("mysql:$place;dbname={$to['database']}", $to['user'], $to['password'], [\PDO::ATTR_TIMEOUT => 3]));
            }
            if (function_exists('mysqli_init')) {
                return $viaMysqli($to);
            }
            throw new \RuntimeException('this PHP has neither pdo_mysql nor mysqli');
        } finally {
            if ($patience !== false) {
                ini_set('mysqlnd.net_read_timeout', $patience);
            }
        }
    };

    try {
        $from = $guard->options['shared'];
        $name = $guard->options['name'];
        if (is_string($from) && preg_match('/^(.*)#([\w.-]+)$/s', $from, $m)) {
            [, $from, $name] = $m;
        }
        $ask = $connect($from);
        $database = (string) ($ask('SELECT DATABASE()')[0] ?? '');
        if ($database === '') {
            throw new \RuntimeException('the connection has no database, by which the lock is named');
        }
        if (strtoupper((string) ($ask("SHOW VARIABLES LIKE 'wsrep_on'")[1] ?? '')) === 'ON') {
            throw new \RuntimeException('this is Galera (wsrep_on), where each node has locks of its own');
        }
        // A host that is cut off keeps the lock until the server gives its idle connection up.
        $limit = (int) $guard->options['maxRuntime'];
        $ask('SET SESSION wait_timeout = ' . ($limit > 0 ? $limit + 60 : 28800));
        $lock = 'cronlatch:' . substr(hash('sha256', "$database/$name"), 0, 40);
        // In one statement, so that a proxy sends both questions to the same server.
        [$got, $readOnly, $innodb] = $ask("SELECT GET_LOCK('$lock', 0), @@read_only, @@innodb_read_only") + [null, null, null];
        foreach ([$readOnly, $innodb] as $value) {
            if (!in_array((string) $value, ['0', 'OFF'], true)) {
                throw new \RuntimeException('this server is read-only: a replica, whose locks nobody else sees');
            }
        }
        if ((string) $got === '0') {
            try {
                $holder = (string) $ask("SELECT IS_USED_LOCK('$lock')")[0];
                $host = (string) ($ask('SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = ' . (int) $holder)[0] ?? '');
            } catch (\Throwable $e) {
                $host = '';
            }
            $text = 'Another server is at work: connection ' . (($holder ?? '') ?: '?') . ($host === '' ? '' : " from $host") . " holds the second lock $lock.";
            self::$why = 'another server is at work';
            self::finish('done');
            $guard->say($text);
            $guard->log($text);
            exit(0);
        }
        if ((string) $got !== '1') {
            throw new \RuntimeException('GET_LOCK gave ' . ($got === null ? 'NULL' : $got));
        }
    } catch (\Throwable $e) {
        $text = $e->getMessage();
        if (preg_match('/\b(?:1203|1226)\b/', $text)) {
            $text = "the account's limit is used up (max_user_connections and the like): $text";
        } elseif (preg_match('/\b1040\b/', $text)) {
            $text = "the database server has no connection left (max_connections): $text";
        }
        self::$why = 'no second lock';
        self::finish('failed');
        $guard->complain("{$guard->options['name']}: no second lock, so nothing was started: $text", 76);
    }
    if (lstat($guard->path . '.stuck') !== false) {
        unlink($guard->path . '.stuck');
    }
    $guard->record['shared'] = $lock;
    $guard->writeRecord();

    return static function () use ($guard, $ask, $lock): string {
        if (self::pid() !== $guard->pid) {
            return ''; // two processes must not talk on one connection
        }
        try {
            if ((string) ($ask("SELECT IS_USED_LOCK('$lock') = CONNECTION_ID()")[0] ?? '') === '1') {
                return '';
            }
            $text = 'it belongs to another connection';
        } catch (\Throwable $e) {
            $text = $e->getMessage();
        }
        $guard->log("The second lock $lock was lost: $text");
        return 'the second lock was lost';
    };
}, null, Guard::class);
