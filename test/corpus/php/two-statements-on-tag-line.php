<?php $a = 1; echo $a;
echo "x";
