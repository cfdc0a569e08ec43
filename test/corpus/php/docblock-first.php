<?php
/**
 * Imports jobs.
 *
 * @license MIT
 * Usage: php worker.php --once
 */

echo "doc";
