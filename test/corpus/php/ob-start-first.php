<?php ob_start();
echo "buffered";
ob_end_flush();
