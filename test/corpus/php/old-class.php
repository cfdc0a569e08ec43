<?php
class Old { var $name = "old"; function Old2() { return $this->name; } }
$o = new Old;
echo $o->Old2();
