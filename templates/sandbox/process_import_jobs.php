<?php
// The sandbox's legacy worker: no lock, and without --once it never ends. What it prints goes where cron sends it.
$root = dirname(__DIR__, 2);
$once = in_array('--once', $argv, true);
$dsn = getenv('SANDBOX_DSN');
$db = null;

if ($dsn) {
    try {
        $db = new PDO($dsn, getenv('SANDBOX_USER'), (string) getenv('SANDBOX_PASSWORD'), [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
    } catch (PDOException $e) {
        echo date('c'), ' ', $e->getMessage(), "\n";
        exit(1);
    }
}

do {
    foreach (glob("$root/jobs/*.todo") as $job) {
        $mine = str_replace('.todo', '.' . getmypid(), $job);
        if (!@rename($job, $mine)) {
            continue; // another instance was faster
        }
        usleep(600000);
        unlink($mine);
        echo date('c'), ' done ', basename($job, '.todo'), "\n";
    }
    if (!$once) {
        sleep(1);
    }
} while (!$once);
