<?php

$a = "x";
echo $a;
