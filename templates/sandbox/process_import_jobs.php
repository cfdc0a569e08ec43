<?php
// The sandbox's legacy worker: no lock, and without --once it never ends. What it prints goes where cron sends it.
$root = dirname(__DIR__, 2);
$once = in_array('--once', $argv, true);
$socket = getenv('SANDBOX_SOCKET');
$db = null;

if ($socket) {
    try {
        $db = new PDO("mysql:unix_socket=$socket", 'u12345_app', '', [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
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
