<?php
function g() { yield 1; yield from [2, 3]; }
foreach (g() as $v) { echo $v; }
