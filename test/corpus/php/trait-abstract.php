<?php
trait T { abstract function n(): string; function hi() { return "hi " . $this->n(); } }
class U { use T; function n(): string { return "u"; } }
echo (new U)->hi();
