<?php
$f = fn (?DateTime $d = null): ?string => $d?->format(format: "Y");
var_dump($f());
