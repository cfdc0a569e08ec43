<?php
if (false) { require __DIR__ . '/vendor/autoload.php'; }
echo 'autoload';
