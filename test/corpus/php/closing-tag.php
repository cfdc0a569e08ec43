<?php
echo "closing";
?>
