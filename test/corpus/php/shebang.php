#!/usr/bin/env php
<?php
echo "shebang\n";
