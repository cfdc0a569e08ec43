<?php
declare(ticks=1);
declare(strict_types=1);
echo "both";
