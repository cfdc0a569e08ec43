<?php
declare(strict_types=1);

$once = in_array('--once', $argv ?? [], true);
$i = 0;
do {
    $i++;
} while (!$once && $i < 3);
echo "$i passes\n";
