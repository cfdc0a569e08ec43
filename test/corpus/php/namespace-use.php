<?php

declare(strict_types=1);

namespace App\Jobs;

use ArrayIterator;
use Countable as C;
use function strlen;
use const PHP_EOL;

echo strlen("use"), PHP_EOL;
