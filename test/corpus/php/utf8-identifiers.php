<?php
$größe = 3;
function zähle(int $n): int { return $n + 1; }
echo zähle($größe);
