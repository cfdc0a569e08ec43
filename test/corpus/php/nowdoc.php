<?php
$t = <<<'EOT'
$no $variables ?>
__halt_compiler();
EOT;
echo strlen($t);
