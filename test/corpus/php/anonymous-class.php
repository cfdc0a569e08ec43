<?php
$o = new class (3) extends ArrayObject { function __construct(public int $n) { parent::__construct([1]); } };
echo $o->n, count($o);
