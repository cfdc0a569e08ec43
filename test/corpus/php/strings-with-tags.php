<?php
$a = '?> <?php declare(strict_types=1);';
echo strlen($a);
