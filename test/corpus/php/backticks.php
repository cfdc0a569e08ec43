<?php
$out = `echo ticks`;
echo trim($out);
