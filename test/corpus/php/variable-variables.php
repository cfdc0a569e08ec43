<?php
$a = "b";
$$a = "vv";
${"c d"} = 1;
echo $b, ${"c d"};
