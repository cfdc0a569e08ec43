<?php
$sql = <<<SQL
<?php declare(strict_types=1);
namespace Fake;
SQL;
echo strlen($sql);
