<?php
start:
$n = ($n ?? 0) + 1;
if ($n < 2) goto start;
echo $n;
