<?php
$a = array("x" => array(1, 2));
$b = &$a["x"];
list($c, $d) = $b;
if ($c) : echo $d; endif;
var_dump((bool) $c, ! $d);
