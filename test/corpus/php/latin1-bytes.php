<?php
// grüße
$s = "הצü";
echo strlen($s);
