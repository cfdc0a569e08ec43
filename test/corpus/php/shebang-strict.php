#!/usr/bin/php -q
<?php

declare(strict_types=1);

echo strlen("shebang"), "\n";
