<?php
// The lock in bad luck: crashes, stale and misleading PID files, a deleted lock file, many starts at once. Used like
// test_lock_basic.php, which has to lie beside it.

namespace Cronlatch\LockTest;

require __DIR__ . '/test_lock_basic.php';

function crash(Stage $stage, Checklist $check): void
{
    $killed = $stage->start();
    $killed->line();
    $killed->kill();
    $check->that('a killed instance leaves its PID file', trim($stage->read('.pid')) === (string) $killed->pid, $stage->read('.pid'));
    $check->that('and no lock: the kernel took it back', $stage->isFree());
    $next = $stage->start();
    $said = $next->line();
    $check->that('the next run says so', $said === "Removing stale lock file from dead process (PID: {$killed->pid})", $said);
    $check->that('and runs', $next->line() === 'running');
    $next->end();
}

function misleadingPids(Stage $stage, Checklist $check): void
{
    foreach ([
        'the PID of nobody blocks nothing' => '99999999',
        'the PID of another program blocks nothing' => (string) getmypid(),
        'the PID of another user’s process blocks nothing' => '1',
        'a PID file without a number blocks nothing' => 'none',
    ] as $name => $pid) {
        file_put_contents($stage->path('.pid'), "$pid\n");
        $run = $stage->start();
        $runs = $run->runs();
        [$code, $out, $err] = $run->end();
        $check->that($name, $runs && $code === 0, "exit code $code $out $err");
    }
}

function deleted(Stage $stage, Checklist $check): void
{
    $first = $stage->start();
    $first->line();
    unlink($stage->path('.lock')); // what the old advice told people to do
    $second = $stage->start();
    [$code, $out, $err] = $second->end();
    if (!is_readable("/proc/{$first->pid}/cmdline")) {
        $check->skip('a deleted lock file does not let a second instance run', '/proc cannot be read here');
    } else {
        $check->that('a deleted lock file does not let a second instance run', $code === 75 && $out === '', "exit code $code $out $err");
    }
    $first->end();
    $third = $stage->start();
    $check->that('when the first one is gone, the next run works', $third->runs());
    $third->end();
}

function crowd(Stage $stage, Checklist $check): void
{
    $all = [];
    for ($i = 0; $i < 10; $i++) {
        $all[] = $stage->start();
    }
    $winners = [];
    $others = [];
    foreach ($all as $instance) {
        $said = $instance->line();
        if ($said === 'running') {
            $winners[] = $instance;
        } elseif (strpos($said, 'Another instance is already running') !== 0) {
            $others[] = $said;
        }
    }
    $check->that('of ten started at once exactly one runs', count($winners) === 1 && $others === [], count($winners) . ' ran; ' . implode('; ', $others));
    $codes = [];
    foreach ($all as $instance) {
        $codes[] = $instance->end()[0];
    }
    $check->that('and none of them fails', array_unique($codes) === [0], implode(' ', $codes));
}

function ends(Stage $stage, Checklist $check): void
{
    $failing = $stage->start();
    $failing->line();
    $failing->tell('throw');
    [$code] = $failing->end();
    $check->that('an exception frees the lock and is recorded', $code === 255 && $stage->isFree() && strpos($stage->read('.lock'), '"state":"failed"') !== false, "exit code $code");

    if (!function_exists('pcntl_signal')) {
        $check->skip('SIGTERM removes the PID file', 'this PHP has no pcntl; the lock is freed all the same');
    } else {
        $asked = $stage->start();
        $asked->line();
        $asked->signal(15);
        $check->that('SIGTERM removes the PID file', $stage->read('.pid') === '' && $stage->isFree(), $stage->read('.pid'));
    }

    if (!function_exists('exec')) {
        $check->skip('a program that outlives its killed worker does not keep the lock', 'exec is switched off here');
        return;
    }
    $parent = $stage->start();
    $parent->line();
    $parent->tell('child');
    $child = (int) $parent->line();
    $parent->kill();
    $check->that('a program that outlives its killed worker does not keep the lock', $child > 0 && $stage->isFree(), "the child is PID $child");
    if ($child > 0) {
        exec("kill $child");
    }
}

function strangers(Stage $stage, Checklist $check): void
{
    $lock = $stage->path('.lock');
    unlink($lock);
    file_put_contents($stage->root . '/target', 'untouched');
    symlink($stage->root . '/target', $lock);
    [$code] = $stage->start()->end();
    $check->that('a link in the place of the lock file is refused', $code === 77 && file_get_contents($stage->root . '/target') === 'untouched', "exit code $code");
    unlink($lock);
    chmod($stage->dir, 0777);
    [$code] = $stage->start()->end();
    $check->that('a directory that everybody may write is refused', $code === 77, "exit code $code");
    chmod($stage->dir, 0700);
    $run = $stage->start();
    $check->that('mended, it works again', $run->runs(), fn () => $run->end()[2]);
    $run->end();
}

[$stage, $check] = prepare($_SERVER['argv']);
crash($stage, $check);
misleadingPids($stage, $check);
deleted($stage, $check);
crowd($stage, $check);
ends($stage, $check);
strangers($stage, $check);
exit($check->end('edge-case lock tests'));
