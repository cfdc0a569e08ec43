<?php
$t = <<<"END"
    a {$argv[0]}
    END . "x";
echo strlen($t) > 0;
