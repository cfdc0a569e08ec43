<?php
$f = strlen(...);
echo $f("four");
