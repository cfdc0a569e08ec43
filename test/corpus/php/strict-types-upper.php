<?php
DECLARE(STRICT_TYPES=1);
echo "upper";
