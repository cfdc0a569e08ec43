<?php
declare(strict_types=1);

function f(int $i): string { return (string) $i; }
echo f(5);
