<?php
(new Worker())->run();
class Worker { public function run(): void { echo "class"; } }
